"""How a study and its report show themselves in a notebook: as HTML, where the last line of a cell returns one."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reports.ranking import RankedConfiguration, Ranking
    from reports.records import StudyRecord

LEADERS = 5
HEIGHT_PIXELS = 800


def recommended(ranking: Ranking) -> RankedConfiguration | None:
    """The configuration to take for now; None where no usable one is finished."""
    return next((row for row in ranking.configurations if row.configuration == ranking.recommended), None)


def study_html(study: StudyRecord, ranking: Ranking, said: Sequence[str] = ()) -> str:
    """Where a study stands and its leaders, as a table.

    Args:
        study: its record.
        ranking: of its configurations.
        said: sentences above the table, in place of the study's counts.
    """
    from reports.logs.sweep_lines import settings_text
    from reports.wording import count, plain_score

    over = sum(trial.state in ("COMPLETE", "PRUNED", "FAIL") for trial in study.trials)
    sentences = said or (f"study {study.name}: {over} of {count(len(study.trials), 'trial')} over",)
    paragraphs = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    if not ranking.finished:
        return f"{paragraphs}<p>No configuration is finished yet.</p>"
    rows = [
        (
            f"{row.rank}{' (take)' if row.configuration == ranking.recommended else ''}",
            row.short,
            *(plain_score(value, study.metric) for value in (row.stable, row.level, row.best)),
            ", ".join(flag.name for flag in row.flags),
            settings_text(row.params),
        )
        for row in ranking.finished[:LEADERS]
    ]
    head = "".join(f"<th>{name}</th>" for name in ("rank", "configuration", "stable", "level", "best", "flags", "settings"))
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"{paragraphs}<table><caption>{escape(study.metric)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


@dataclass(frozen=True, repr=False)
class Report:
    """A written report, which a notebook shows inline.

    Attributes:
        path: of the HTML file.
    """

    path: Path

    def __repr__(self) -> str:
        return f"<report {str(self.path)!r}>"

    def _repr_html_(self) -> str:
        """The whole page in a frame of its own: its scripts reach nothing of the notebook."""
        page = escape(self.path.read_text(encoding="utf-8"), quote=True)
        return f'<iframe sandbox="allow-scripts" title="{escape(self.path.name)}" style="width: 100%; height: {HEIGHT_PIXELS}px; border: 0" srcdoc="{page}"></iframe>'
