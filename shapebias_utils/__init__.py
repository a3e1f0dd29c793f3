"""Shape and simplicity biases of adversarially robust CNNs: the functions behind the notebooks.

Conventions, everywhere in this package:

- Images are float32 ``(N, 3, H, W)`` RGB in [0, 1]. A network takes them as they are, normalises
  inside, and returns logits. Attack budgets (eps, step size) are lengths in that space.
- S, R: a standard and an adversarially trained network of one architecture.
- A dataset, a network, an attack, a recipe is a frozen dataclass: `get_dataset("pictograms")`,
  `get_network("AlexNet-R", "pictograms")`, `Attack(eps=1.0)`. To bring your own network,
  `register(Network(...))`.
- A measure is a function ``(network, images, ...) -> DataFrame``. `cached` keeps its table on disk
  beside a record of what it was computed from, and refuses one computed from anything else.
- Trials have one row per image, in the columns of model-vs-human.
- Accuracies and biases are shares in [0, 1], with the bounds `low` and `high` of their 95 %
  interval; per cent appear only in what is shown to a reader.
- Randomness is keyed by a seed and, per image, by its name: results do not depend on batch size,
  order, or the number of processes.

Data flows one way: datasets -> distortions -> networks (with hooks, attacks and training) ->
measures -> results -> figures and reporting -> notebooks. Nothing heavy is imported before it is
needed.
"""

__version__ = "0.1.0"
