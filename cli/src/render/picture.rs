//! One drawing, for a page or a file of its own.

use super::legend;
use super::plot::WIDTH;
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
    /// Whether the right part has only the names of lines, which the key below repeats.
    pub chart: bool,
}

impl Picture {
    /// As a figure of a page. On a narrow page, the names of a chart are cut off and its key is shown.
    pub fn figure(&self) -> String {
        let (title, height) = (Escaped(&self.title), self.height);
        let (chart, key) = match self.chart {
            true => (format!(" class=\"chart\" style=\"--height: {height:.0}\""), legend::key()),
            false => Default::default(),
        };
        format!(
            "<figure>\n<figcaption>{title}</figcaption>\n<svg xmlns=\"http://www.w3.org/2000/svg\"{chart} \
             viewBox=\"0 0 {WIDTH:.0} {height:.0}\" preserveAspectRatio=\"xMinYMin slice\" role=\"img\">\n\
             <title>{title}</title>\n<desc>{}</desc>\n{}</svg>\n{key}</figure>\n",
            Escaped(&self.description),
            self.body
        )
    }
}
