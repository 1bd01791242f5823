"""How the composer looks: one style sheet over the notebook's own theme, and small HTML pieces."""

from __future__ import annotations

import functools
import html
import re
from typing import TYPE_CHECKING, Final

from activitysmith_jupyter.card import card_html, push_html, stylesheet
from activitysmith_jupyter.composer._catalogue import EXAMPLES, PUSH

if TYPE_CHECKING:
    from activitysmith_jupyter.composer._draft import Problem

__all__ = [
    "answer_html",
    "hint_html",
    "problem_html",
    "safe",
    "style_html",
    "thumbnail_html",
    "with_code",
]

_CODE: Final = re.compile("`([^`]+)`")

# Colours are the notebook's own where it names them, so that the form follows its theme.
RULES: Final = """
.as-composer{container-type:inline-size;max-width:1120px;overflow:visible;padding:6px;
--as-c-dim:var(--jp-ui-font-color2,GrayText);--as-c-line:var(--jp-border-color2,#8884);
--as-c-text:var(--jp-ui-font-color1,inherit)}
[data-jp-theme-light="false"] .as-composer{--jp-widgets-dropdown-arrow:url("data:image/svg+xml,\
%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'%3E%3Cpath fill='%23ddd' \
d='M5.2 5.9 9 9.7l3.8-3.8 1.2 1.2L9 12.1l-5-5z'/%3E%3C/svg%3E")}
.as-composer>.widget-html,.as-composer .widget-html-content{overflow:visible}
.as-composer .widget-html{height:auto;margin:0;line-height:1.35}
.as-composer .widget-html-content{line-height:1.35;font-size:13px;color:var(--as-c-text)}
.as-sheet{display:none!important}
.as-composer .as-kinds{display:grid;grid-template-columns:repeat(8,minmax(0,1fr));gap:8px;
overflow:visible;margin:0 0 10px}
.as-kinds>.widget-vbox{overflow:visible;align-items:stretch;border:1px solid var(--as-c-line);
border-radius:12px;padding:6px 6px 4px;margin:0}
.as-kinds>.as-chosen{border-color:var(--jp-brand-color1,#1976d2);
box-shadow:0 0 0 1px var(--jp-brand-color1,#1976d2)}
.as-kinds .widget-button{width:auto;margin:0;border-radius:8px;background:none;box-shadow:none;
color:var(--as-c-text);padding:0 2px}
.as-kinds .as-chosen .widget-button{font-weight:700}
.as-thumb{height:48px;display:grid;place-items:center;overflow:hidden;pointer-events:none}
.as-thumb .as-root{zoom:.33;width:340px;max-width:none;padding:4px}
@container(max-width:860px){.as-composer .as-kinds{grid-template-columns:repeat(4,minmax(0,1fr))}
.as-thumb{height:60px}.as-thumb .as-root{zoom:.42}}
@container(max-width:640px){.as-thumb{height:46px}.as-thumb .as-root{zoom:.31}}
@container(max-width:520px){.as-composer .as-kinds{gap:6px}.as-thumb{height:32px}
.as-thumb .as-root{zoom:.19}.as-kinds .widget-button{font-size:12px;padding:0}
.as-kinds .widget-button i{display:none}}
@container(max-width:400px){.as-composer .as-kinds{grid-template-columns:repeat(2,minmax(0,1fr))}
.as-thumb{height:38px}.as-thumb .as-root{zoom:.27}}
.as-composer .as-columns{flex-flow:row wrap-reverse;gap:8px 26px;
align-items:flex-end;overflow:visible}
.as-form{flex:1 1 330px;min-width:0;overflow:visible}
.as-side{flex:0 1 404px;min-width:min(330px,100%);max-width:100%;overflow:visible}
.as-field{overflow:visible;margin:0 0 7px;flex:1 1 100%;min-width:0}
.as-half{flex:1 1 150px}
.as-third{flex:1 1 100px}
.as-composer .as-fields{flex-flow:row wrap;column-gap:14px;overflow:visible}
.as-composer .as-over{flex-direction:column;align-items:stretch;width:auto;height:auto;margin:0}
.as-over>.widget-label,.as-composer .as-name{display:block;width:auto!important;max-width:none;
text-align:start;margin:0;height:auto;line-height:1.5;font-size:12.5px;font-weight:600;
color:var(--as-c-text);overflow-wrap:anywhere}
.as-over>input,.as-over>select,.as-over>textarea{width:100%!important;min-width:0;
box-sizing:border-box;margin:0;flex:none;text-align:start}
.as-over>input,.as-over>select{height:30px!important}
.as-over>textarea{height:auto;min-height:58px;resize:vertical;unicode-bidi:plaintext;
font-family:inherit}
.as-json>textarea,.as-code>textarea{font-family:var(--jp-code-font-family,monospace)!important;
font-size:12px}
.as-over>input{unicode-bidi:plaintext}
.as-hint{font-size:12px;color:var(--as-c-dim);display:block;overflow-wrap:anywhere}
.as-wrong{color:light-dark(#b3140a,#ff9a93);font-weight:600}
[data-jp-theme-light="true"] .as-composer,.vscode-light .as-composer{color-scheme:light}
[data-jp-theme-light="false"] .as-composer,.vscode-dark .as-composer{color-scheme:dark}
.as-composer .as-swatches{flex-flow:row wrap;gap:5px;overflow:visible;
padding:2px 0}
.as-swatches .widget-button{width:29px;height:26px;padding:0;margin:0;border-radius:8px;
color:#000}
.as-swatches .widget-button,.as-tool.widget-button{display:flex;align-items:center;
justify-content:center;font-size:0}
.as-swatches .widget-button i,.as-tool.widget-button i{font-size:13px;margin:0}
.as-swatches .widget-button:first-child{color:var(--as-c-text)}
.as-field>.widget-button{margin:2px 0}
.as-composer .widget-button:focus-visible{outline:2px solid var(--jp-brand-color1,#1976d2);
outline-offset:2px}
.as-composer .as-line{flex-flow:row wrap;gap:4px 8px;align-items:flex-end;
overflow:visible;margin:0;width:100%}
.as-part{flex:1 1 84px;min-width:0;overflow:visible}
.as-wide{flex:3 1 150px}
.as-small{flex:0 1 74px}
.as-roomy{flex:1 1 142px}
.as-whole{flex:1 1 calc(100% - 44px)}
.as-tool.widget-button{flex:none;width:32px;height:30px;padding:0;margin:0}
.as-edit{border:1px solid var(--as-c-line);border-radius:10px;padding:5px 9px 9px;margin:0 0 7px;
overflow:visible}
.as-fold.widget-button{width:100%;text-align:start;background:none;box-shadow:none;margin:0 0 2px;
padding:0 2px;border-top:1px solid var(--as-c-line);border-radius:0;font-weight:600;height:34px;
color:var(--as-c-text)}
.as-inside{overflow:visible;padding:2px 0 6px}
.as-composer .as-send{flex-flow:row wrap;gap:8px;margin:6px 0;overflow:visible}
.as-send .widget-button{flex:1 1 84px;width:auto;margin:0;height:34px}
.as-answer{display:block;border-inline-start:3px solid var(--as-c-line);padding:1px 0 1px 9px;
margin:2px 0 8px;overflow-wrap:anywhere}
.as-good{border-color:light-dark(#14652f,#5ee38a)}
.as-bad{border-color:light-dark(#b3140a,#ff9a93)}
.as-note{border:1px solid var(--as-c-line);border-radius:10px;padding:8px 12px;
overflow-wrap:anywhere}
.as-note code,.as-answer code{font:12px var(--jp-code-font-family,monospace);
background:var(--jp-layout-color2,#8882);border-radius:4px;padding:1px 4px;color:inherit}
.as-composer .as-way-out{align-items:center;gap:10px;margin:8px 0 12px;overflow:visible}
.as-way-out .widget-button{margin:0;height:32px}
.as-composer .as-code{margin-top:6px}
.as-code textarea{min-height:170px;
white-space:pre;overflow:auto;unicode-bidi:normal}
.as-preview{margin:0 0 2px;overflow:visible}
.as-preview>.widget-html-content{width:100%;min-width:0}
.as-preview .as-root{max-width:none}
.as-composer .as-matches{flex-flow:row wrap;gap:2px 10px;overflow:visible;margin:3px 0 0}
.as-match{overflow:visible;align-items:center;max-width:100%}
.as-match .widget-button{width:auto;min-width:0;height:24px;line-height:24px;margin:0;padding:0 3px;
background:none;box-shadow:none;color:var(--as-c-text);font-size:12px}
.as-match .widget-button:hover{text-decoration:underline}
.as-match svg{width:17px;height:17px;fill:currentColor;display:block}
"""


def style_html() -> str:
    """Return the style of composers, cards included."""
    return f"<style>{stylesheet()}{RULES}</style>"


@functools.cache
def thumbnail_html(kind: str) -> str:
    """Draw a small picture of a kind of message, for the eye only."""
    example = EXAMPLES[kind]
    if kind == PUSH:
        drawn = push_html(example, with_style=False)
    else:
        drawn = card_html({"type": kind, **example}, with_style=False)
    return f'<div class="as-thumb" aria-hidden="true" inert>{drawn}</div>'


def hint_html(limits: str, problem: Problem | None) -> str:
    """Write what stands below a field: its limits, or which of them was broken."""
    if problem is None or (problem.is_missing and problem.words == "Needed"):
        words = safe(limits) if problem is None or not limits else f"Needed. {safe(limits)}"
        return f'<span class="as-hint">{"Needed" if problem and not limits else words}</span>'
    return problem_html(_sentence(problem.words), is_missing=problem.is_missing)


def problem_html(words: str, *, is_missing: bool) -> str:
    """Write what is wrong; what is only missing yet is said quietly."""
    if is_missing:
        return f'<span class="as-hint">{safe(words)}</span>'
    return f'<span class="as-hint as-wrong" role="alert">{safe(words)}</span>'


def answer_html(words: tuple[str, ...], *, is_good: bool | None) -> str:
    """Write what became of a message, a sentence each."""
    mood = {True: " as-good", False: " as-bad", None: ""}[is_good]
    said = "<br>".join(with_code(sentence) for sentence in words)
    return f'<div class="as-answer{mood}" role="status">{said}</div>' if words else ""


def safe(text: str) -> str:
    """Write text so that it is shown as text."""
    return html.escape(text)


def with_code(text: str) -> str:
    """Write text so that it is shown as text, and what stands in backticks as code."""
    return _CODE.sub(r"<code>\1</code>", safe(text))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
