import pytest
import torch


@pytest.fixture(autouse=True)
def _seeded_weights():
    """Networks that a test makes have the same weights at each run."""
    torch.manual_seed(0)
