import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from judge import covers, judge
from nonsense import masks, near, right_or_not, tensors

import pg_helpers as pg

NAMES = ("log_probs", "weights", "mask")


@covers(pg.pseudo_loss)
@given(st.data())
def test_pseudo_loss(data):
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)), "shape")
    log_probs = data.draw(right_or_not(near(shape).flatmap(tensors)), "log_probs")()
    right = st.one_of(near(shape), near(shape[:1])).flatmap(tensors)
    weights = data.draw(right_or_not(right), "weights")()
    mask = data.draw(right_or_not(masks(shape)), "mask")()
    found = judge(lambda: pg.pseudo_loss(log_probs, weights, mask), NAMES)
    if found is not None:
        log_probs = log_probs.detach()
        by_row = weights.detach().to(log_probs.dtype).double().numpy()
        total, size = 0.0, 1.0
        for n, t in np.argwhere(mask.numpy()):
            term = (by_row[n] if by_row.ndim == 1 else by_row[n, t]) * float(
                log_probs[n, t]
            )
            total, size = total - term, max(size, abs(term))
        assert abs(float(found) - total / len(mask)) <= 1e-4 * size
