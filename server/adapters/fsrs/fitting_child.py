"""Fits weights; the program of the process that `fitting` starts, never imported by the server.

It reads one JSON object from its input, {"histories": [[[rating, days, held out], ...], ...], "weights": [...]}, and
writes {"weights", "before", "after"}, the latter two each log loss and RMSE(bins) on the held-out reviews; its exit
status is 10 where fsrs-rs says that there is not enough to fit to. fsrs-rs holds Python's lock while it works, which
is why this is a process of its own. It runs isolated (`python -I`) and needs only fsrs-rs-python.
"""

from __future__ import annotations

import json
import sys

from fsrs_rs_python import FSRS, FSRSItem, FSRSReview

NOT_ENOUGH = 10
DIGITS = 6
"""Digits that weights are rounded to: fsrs-rs computes with seven, and a bound of 0.8 must not become 0.80000001."""


def main() -> int:
    """Fits."""
    task = json.load(sys.stdin)
    fitted: list[FSRSItem] = []
    held_out: list[FSRSItem] = []
    for history in task["histories"]:
        reviews: list[FSRSReview] = []
        for rating, days, later in history:
            reviews.append(FSRSReview(rating, days))
            # What is predicted is whether the learner remembered after at least a day.
            if days > 0:
                (held_out if later else fitted).append(FSRSItem(reviews))
    try:
        found = FSRS([]).compute_parameters(fitted)
        weights = [round(weight, DIGITS) for weight in found]
        before, after = (FSRS(each).evaluate(held_out) for each in (task["weights"], weights))
    except ValueError as error:
        if str(error) == "NotEnoughData":
            return NOT_ENOUGH
        raise
    json.dump(
        {
            "weights": weights,
            "before": [before.log_loss, before.rmse_bins],
            "after": [after.log_loss, after.rmse_bins],
        },
        sys.stdout,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
