"""A plot of latency against speakers, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640.0, 360.0, 60.0, 40.0
_LEAST, _MOST = 100.0, 20_000.0
_STYLE = "font: 12px system-ui, sans-serif; fill: #444"


def draw(ours: Mapping[int, float], baseline: Mapping[int, float]) -> str:
    """The 95th percentile of the final latency against the number of speakers.

    Args:
        ours: milliseconds by number of speakers.
        baseline: the same of the obvious way.
    """
    most = max([*ours, *baseline])

    def x(speakers: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - 20) * speakers / most

    def y(ms: float) -> float:
        share = math.log(min(max(ms, _LEAST), _MOST) / _LEAST) / math.log(_MOST / _LEAST)
        return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - 20) * share

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img"'
        ' aria-label="95th percentile of the final latency against the number of speakers">',
        f'<rect width="{_WIDTH:g}" height="{_HEIGHT:g}" fill="#fff"/>',
    ]
    for ms in (100.0, 200.0, 500.0, 800.0, 2000.0, 5000.0, 20_000.0):
        dashed = ' stroke-dasharray="4 3"' if ms in (800, 2000) else ""
        lines.append(f'<path d="M{_LEFT} {y(ms):.1f}H{_WIDTH - 20}" stroke="#ddd"{dashed}/>')
        lines.append(f'<text x="{_LEFT - 8}" y="{y(ms) + 4:.1f}" text-anchor="end" style="{_STYLE}">{ms:,} ms</text>')
    for speakers in sorted({*ours, *baseline}):
        lines.append(
            f'<text x="{x(speakers):.1f}" y="{_HEIGHT - 20}" text-anchor="middle" style="{_STYLE}">{speakers}</text>'
        )
    lines.append(
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 4}" text-anchor="middle" style="{_STYLE}">speakers at once</text>'
    )
    for points, colour, name in ((ours, "#0a7", "Kaiwa"), (baseline, "#c40", "faster-whisper, growing buffer")):
        known = sorted((n, ms) for n, ms in points.items() if math.isfinite(ms))
        path = " ".join(f"{'L' if i else 'M'}{x(n):.1f} {y(ms):.1f}" for i, (n, ms) in enumerate(known))
        lines.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines.extend(f'<circle cx="{x(n):.1f}" cy="{y(ms):.1f}" r="3" fill="{colour}"/>' for n, ms in known)
        if known:
            n, ms = known[-1]
            anchor = "end" if x(n) > _WIDTH / 2 else "start"
            lines.append(
                f'<text x="{x(n):.1f}" y="{y(ms) - 8:.1f}" text-anchor="{anchor}"'
                f' style="{_STYLE}; fill: {colour}">{name}</text>'
            )
    return "\n".join([*lines, "</svg>", ""])
