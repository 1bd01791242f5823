"""The style sheet of cards and banners, built from the palette.

Colours are CSS variables with a light and a dark value each (``light-dark()``), so that the theme
is one property, ``color-scheme``: given outright, or on ``auto`` taken from the notebook's own
theme where it names one, from a page that names one (``data-as-page-theme``), else from the
system.
"""

from __future__ import annotations

import functools
from string import Template
from typing import Final

from activitysmith_jupyter.card._palette import COLORS, NEUTRALS, Pair

__all__ = ["stylesheet"]

RULES: Final = Template("""\
.as-root{color-scheme:light dark;$variables
font:400 15px/1.35 -apple-system,BlinkMacSystemFont,"SF Pro Text","Inter",system-ui,"Segoe UI",
sans-serif;color:var(--as-ink);
max-width:404px;padding:2px 2px 9px;text-align:start;box-sizing:border-box;
-webkit-text-size-adjust:100%}
.as-root[data-as-theme="dark"],[data-jp-theme-light="false"] .as-root[data-as-theme="auto"],
.vscode-dark .as-root[data-as-theme="auto"],
[data-as-page-theme="dark"] .as-root[data-as-theme="auto"]{color-scheme:dark}
.as-root[data-as-theme="light"],[data-jp-theme-light="true"] .as-root[data-as-theme="auto"],
.vscode-light .as-root[data-as-theme="auto"],
[data-as-page-theme="light"] .as-root[data-as-theme="auto"]{color-scheme:light}
.as-root *{box-sizing:border-box;margin:0;padding:0;border:0;background:none;font:inherit;
letter-spacing:inherit;min-width:0}
$accents
.as-card{box-sizing:border-box;background:var(--as-surface);border-radius:24px;padding:15px 16px;
box-shadow:0 0 0 .5px var(--as-line),0 8px 24px -12px #0006;overflow:hidden}
.as-card>*+*{margin-top:12px}
.as-head{display:flex;align-items:center;gap:11px}
.as-titles{flex:1}
.as-title,.as-subtitle,.as-message,.as-figure,.as-label,.as-value,.as-button,.as-note,.as-detail,
.as-pill{overflow-wrap:anywhere;unicode-bidi:isolate}
.as-title,.as-subtitle,.as-message{text-wrap:pretty}
.as-title{font-weight:600;font-size:16px;line-height:1.25;display:-webkit-box;
-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
.as-subtitle{color:var(--as-dim);font-size:14px;margin-top:1px;display:-webkit-box;
-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
.as-icon{flex:none;width:38px;height:38px;border-radius:11px;background:var(--as-tint);
color:var(--as-fill);display:grid;place-items:center}
.as-root .as-card .as-icon svg,.as-root .as-card .as-app svg{width:22px;height:22px;display:block}
.as-icon svg{fill:currentColor}
.as-aside{flex:none;max-width:46%;display:flex;flex-direction:column;align-items:flex-end;gap:4px}
.as-pills{display:flex;flex-wrap:wrap;justify-content:flex-end;gap:4px;max-width:100%}
.as-pill{background:var(--as-tint);color:var(--as-tone);border-radius:99px;padding:2px 9px;
font-weight:600;font-size:12.5px;max-width:100%;white-space:nowrap;overflow:hidden;
text-overflow:ellipsis}
.as-figure{color:var(--as-tone);font-weight:650;font-size:22px;line-height:1.15;
font-variant-numeric:tabular-nums;display:-webkit-box;-webkit-box-orient:vertical;
-webkit-line-clamp:2;overflow:hidden;text-align:end}
.as-big{font-size:42px;font-weight:600;line-height:1.1;letter-spacing:-.02em;text-align:start}
.as-long{font-size:22px;text-align:start}
.as-small{font-size:15px}
.as-state{color:var(--as-dim);font-size:13px}
.as-root .as-card svg.as-bar{display:block;width:100%;height:10px;overflow:visible}
.as-root .as-card svg.as-thin{height:7px}
.as-bar rect{fill:var(--as-track)}
.as-bar .as-on{fill:var(--as-fill)}
.as-message{font-size:15px;white-space:pre-line;display:-webkit-box;-webkit-box-orient:vertical;
-webkit-line-clamp:5;overflow:hidden}
.as-grid{display:grid;gap:12px 14px;grid-template-columns:repeat(var(--as-columns),1fr)}
.as-of-1{--as-columns:1}.as-of-2{--as-columns:2}.as-of-3{--as-columns:3}.as-of-4{--as-columns:4}
.as-label{color:var(--as-dim);font-size:12.5px;line-height:1.25;display:-webkit-box;
-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
.as-value{font-weight:650;font-size:20px;line-height:1.2;font-variant-numeric:tabular-nums;
display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
.as-of-3 .as-value{font-size:18px}.as-of-4 .as-value{font-size:16px}
.as-tinted{color:var(--as-tone)}
.as-unit{font-size:.7em;font-weight:600;color:var(--as-dim);margin-inline-start:.12em}
.as-meter>*+*{margin-top:5px}
.as-row{display:flex;align-items:baseline;justify-content:space-between;gap:8px}
.as-row .as-value{flex:none;max-width:65%}
.as-actions{display:flex;flex-wrap:wrap;gap:8px}
.as-button{flex:1 1 40%;background:var(--as-tint);color:var(--as-tone);border-radius:99px;
padding:8px 14px;text-align:center;font-weight:600;font-size:14.5px;
white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.as-root .as-card a.as-button{color:var(--as-tone);text-decoration:none}
.as-root .as-card a.as-button:hover{text-decoration:underline}
.as-root a:focus-visible{outline:2px solid var(--as-tone);outline-offset:2px}
.as-notes{border-top:.5px solid var(--as-line);padding-top:9px;color:var(--as-dim);
font-size:12.5px}
.as-ended{box-shadow:0 0 0 .5px var(--as-line)}
.as-app{flex:none;width:38px;height:38px;border-radius:10px;display:grid;place-items:center;
background:linear-gradient(150deg,#3d8bff,#6a35e8)}
.as-app svg{fill:#fff}
.as-banner .as-head{align-items:flex-start}
.as-banner .as-subtitle{color:var(--as-ink);font-weight:600;font-size:15px}
.as-when{color:var(--as-dim);font-size:12.5px;float:inline-end;margin-inline-start:10px}
.as-details{display:flex;flex-wrap:wrap;gap:6px}
.as-detail{font-size:12.5px;color:var(--as-dim);background:var(--as-raised);border-radius:9px;
padding:3px 9px;max-width:100%;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.as-root .as-card .as-detail a{color:var(--as-blue-tone);text-decoration:underline}
.as-media{display:block;width:100%;max-height:220px;object-fit:cover;border-radius:12px}
.as-urgent{color:var(--as-orange-tone);font-weight:600}
.as-island{box-sizing:border-box;width:fit-content;min-width:196px;max-width:100%;height:37px;
margin:0 auto;padding:0 14px 0 12px;border-radius:19px;background:#000;display:flex;
box-shadow:0 0 0 1px #ffffff26;align-items:center;gap:8px}
.as-island-icon{flex:none;color:var(--as-fill);display:grid}
.as-root .as-island svg{width:20px;height:20px;fill:currentColor;display:block}
.as-island-camera{flex:1 0 78px}
.as-island-figure{color:var(--as-tone);font-weight:650;font-size:15px;white-space:nowrap;
font-variant-numeric:tabular-nums;unicode-bidi:isolate}
@media(prefers-contrast:more){.as-root{--as-surface:light-dark(#fff,#000);
--as-ink:light-dark(#000,#fff);--as-dim:var(--as-ink);--as-line:var(--as-ink);
--as-track:light-dark(#b9b9b9,#5c5c5c)}
.as-root [class*="as-c-"]{--as-fill:var(--as-tone);--as-tint:transparent}
.as-pill,.as-button,.as-icon{box-shadow:inset 0 0 0 1px currentColor}}
@media(forced-colors:active){.as-card,.as-pill,.as-button{border:1px solid CanvasText}
.as-bar rect{fill:Canvas;stroke:CanvasText}.as-bar .as-on{fill:CanvasText}}
""")


@functools.cache
def stylesheet() -> str:
    """Write the style sheet that every card and banner shares."""
    inks = {**NEUTRALS, "raised": NEUTRALS["track"]}
    variables = [_variable(name, pair) for name, pair in inks.items()]
    accents = []
    for name, accent in COLORS.items():
        looks = {"fill": accent.fill, "tone": accent.tone, "tint": accent.tint}
        variables += [_variable(f"{name}-{look}", pair) for look, pair in looks.items()]
        chosen = "".join(f"--as-{look}:var(--as-{name}-{look});" for look in looks)
        accents.append(f".as-c-{name}{{{chosen}}}")
    return RULES.substitute(variables="".join(variables), accents="\n".join(accents))


def _variable(name: str, pair: Pair) -> str:
    return f"--as-{name}:light-dark({pair.light},{pair.dark});"
