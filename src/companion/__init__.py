"""The machine behind the book: claims, figures, parameters, runs, pages and the command line.

This package holds no mathematics (see `shallow_relu`). A notebook needs one name from it:

    from companion import open_chapter
    chapter = open_chapter("teacher_student/population_gradient", globals())
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from companion.chapter import Chapter, open_chapter

__all__ = ["Chapter", "open_chapter"]


def __getattr__(name: str) -> Any:
    # Late, because the processes around a run start this package and open no chapter.
    if name in __all__:
        from companion import chapter

        return getattr(chapter, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
