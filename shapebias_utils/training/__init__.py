"""Training: recipes, the loop that runs them, and the studies that train many networks."""
