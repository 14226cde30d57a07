//! What must hold of a page or a picture, whatever is in the report.

use roxmltree::{Document, ParsingOptions};

/// The elements that the tool writes.
const ELEMENTS: [&str; 43] = [
    "a",
    "article",
    "body",
    "caption",
    "code",
    "dd",
    "desc",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "g",
    "h1",
    "h2",
    "h3",
    "head",
    "header",
    "html",
    "li",
    "main",
    "meta",
    "nav",
    "p",
    "path",
    "rect",
    "section",
    "small",
    "style",
    "summary",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "text",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
    "wbr",
];

/// Panics unless `text` is well-formed XML of these elements, without scripts and with links to the
/// page itself and its neighbours only.
pub fn check(text: &str) {
    assert!(!text.contains(|c: char| c.is_control() && !"\t\n".contains(c)), "{text:?}");
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options);
    let document = document.unwrap_or_else(|error| panic!("{error}: {text}"));
    for node in document.descendants().filter(|node| node.is_element()) {
        let name = node.tag_name().name();
        assert!(ELEMENTS.contains(&name), "an element {name}: {text}");
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(!name.starts_with("on"), "an attribute {name}: {text}");
            if name == "href" {
                assert!(value.starts_with('#') || value == "./a.html", "a link to {value}: {text}");
            }
        }
    }
}
