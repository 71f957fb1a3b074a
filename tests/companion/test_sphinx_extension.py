import pytest

from companion.sphinx_extension import valid_html

TITLE = '<summary>\n<p class="collapsed admonition-title">Show</p>\n</summary>'


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ('<div id="a"><p class="t" id="a">x</p></div>', '<div id="a"><p class="t">x</p></div>'),
        ('<a id="a"></a><b id="b"></b>', '<a id="a"></a><b id="b"></b>'),
        ('<p data-id="a" id="a"></p><p data-id="a">', '<p data-id="a" id="a"></p><p data-id="a">'),
        ('<p id="a"></p> id="a" in a text', '<p id="a"></p> id="a" in a text'),
        (TITLE, TITLE.replace("<p", "<span").replace("</p", "</span")),
        ('<div role="doc-biblioentry">x', '<div role="listitem">x'),
        ('<p class="admonition-title">x</p>', '<p class="admonition-title">x</p>'),
    ],
)
def test_ids_are_kept_once_and_summaries_hold_no_paragraphs(body, wanted):
    assert valid_html(body) == wanted
