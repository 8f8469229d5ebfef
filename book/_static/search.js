// Sphinx's search, with two changes to the lines shown under each result.

// A page opened as a file cannot fetch the others: show titles alone.
DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = location.protocol !== "file:";

// A formula stands in the page twice, once for the eye and once for screen readers: show it once.
const toText = Search.htmlToText;
Search.htmlToText = (html, anchor) => toText(html.replace(/<span class="katex-mathml">.*?<\/math><\/span>/gs, ""), anchor);
