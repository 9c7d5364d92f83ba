"""Trains Efficiera Residual Networks (ERN): 1-bit weights, 2-bit activations, and exports them as Ernscope model files.

Run from the folder `models`: `python3 -m train.cards --help`. Needs PyTorch (Debian's python3-torch or PyPI's torch), numpy and
tqdm.

    quantizers   signs and 2-bit codes, with gradients
    network      the network in floats, as it is trained
    frames       labelled frames from `ernscope render`, and how training varies them
    trainer      the training loop and its checkpoints
    fold         batch norm -> integer thresholds
    integer      the network in integers, as it is exported and run
    export       the model file
    measure      right answers, by card size and by hidden part
"""
