"""The machine behind the book: claims, figures, parameters, runs, pages and the command line.

This package holds no mathematics (see `shallow_relu`). A notebook needs one name from it:

    from companion import open_chapter
    chapter = open_chapter("teacher_student/population_gradient", globals())
"""

from companion.chapter import Chapter, open_chapter

__all__ = ["Chapter", "open_chapter"]
