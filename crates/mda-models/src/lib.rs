//! Architectures of image classifiers, with the parameter names of their PyTorch originals.
