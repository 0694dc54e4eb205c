"""The recipe of the bundled models: data, augmentation, loop, evaluation, model cards.

Not imported by the app. Runs on a CPU or a GPU with torch, torchvision, timm and Pillow alone.
"""
