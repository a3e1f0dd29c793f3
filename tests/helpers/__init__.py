"""What tests share: toy networks, image sets by hand, processes, a browser."""
