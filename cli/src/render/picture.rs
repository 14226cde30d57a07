//! One drawing, for a page or a file of its own.

use super::chart::WIDTH;
use super::text::Escaped;

/// Elements of SVG in a rectangle whose upper left corner is 0, 0, and as wide as a chart.
#[derive(Clone, Debug)]
pub struct Picture {
    pub title: String,
    /// The text alternative.
    pub description: String,
    /// Units down.
    pub height: f64,
    pub body: String,
}

impl Picture {
    /// As an element of a page.
    pub fn inline(&self) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {:.0}\" \
             role=\"img\">\n<title>{}</title>\n<desc>{}</desc>\n{}</svg>\n",
            self.height,
            Escaped(&self.title),
            Escaped(&self.description),
            self.body
        )
    }
}
