//! All charts of a report in one file.

use std::borrow::Cow;
use std::fmt::Write;

use super::picture::Picture;
use super::text::{Escaped, date, letter, width};
use super::{bars, chart};
use crate::report::Report;
use crate::report::group::groups;

const MARGIN: f64 = 10.0;
const HEADING: f64 = 24.0;
/// More side by side are too small on a screen.
const COLUMNS: usize = 4;

/// A chart for every group of figures, then bars where several CPUs were measured: about as many
/// side by side as one below the other.
pub fn svg(report: &Report) -> String {
    let looks = chart::looks(report);
    let charts = groups(report)
        .into_iter()
        .filter_map(|(group, cells)| chart::chart(&group.name(), chart::series(&cells, &looks)));
    let pictures: Vec<Picture> = charts.chain(bars::bars(report)).collect();
    let columns = (1..COLUMNS).find(|n| n * n >= pictures.len()).unwrap_or(COLUMNS);
    let across = columns as f64 * (chart::WIDTH + 3.0 * MARGIN) - MARGIN;
    let mut body = String::new();
    let title = format!("Clearing memory on {}", report.machine.cpu);
    heading(&mut body, (MARGIN, MARGIN), across - 2.0 * MARGIN, &title);
    heading(&mut body, (MARGIN, MARGIN + HEADING), chart::WIDTH, &date(report.started));
    let mut y = MARGIN + 2.5 * HEADING;
    if pictures.is_empty() {
        heading(&mut body, (MARGIN, y), chart::WIDTH, "Nothing was measured.");
        y += HEADING;
    }
    for row in pictures.chunks(columns) {
        for (i, picture) in row.iter().enumerate() {
            let x = MARGIN + i as f64 * (chart::WIDTH + 3.0 * MARGIN);
            heading(&mut body, (x, y), chart::WIDTH, &picture.title);
            let _ = write!(
                body,
                "<g transform=\"translate({x:.0} {:.0})\">\n<title>{}</title>\n<desc>{}</desc>\n{}</g>\n",
                y + HEADING,
                Escaped(&picture.title),
                Escaped(&picture.description),
                picture.body
            );
        }
        let height = row.iter().map(|picture| picture.height).fold(0.0, f64::max);
        y += HEADING + height + MARGIN;
    }
    let height = y + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{across:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {across:.0} {height:.0}\" role=\"img\">\n\
         <title>{}</title>\n<style>\n{}{}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"var(--paper)\"/>\n{body}</svg>\n",
        Escaped(&title),
        include_str!("theme.css"),
        include_str!("chart.css"),
    )
}

/// Draws a line of large text with its upper left corner at `x`, `y`, cut to `room`.
fn heading(body: &mut String, (x, y): (f64, f64), room: f64, text: &str) {
    // Of an ordinary letter: 12 units high and not 11, and bold.
    const LARGER: f64 = 12.0 / 11.0 * 1.1;
    let text = cut(text, room / LARGER);
    let (y, text) = (y + 14.0, Escaped(&text));
    let _ = writeln!(body, r#"<text class="heading" x="{x:.0}" y="{y:.0}">{text}</text>"#);
}

/// The beginning of `text` that fits `room` with an ellipsis, or all of it.
fn cut(text: &str, room: f64) -> Cow<'_, str> {
    if width(text) <= room {
        return text.into();
    }
    let mut left = room - letter('…');
    let end = text.char_indices().find(|&(_, c)| {
        left -= letter(c);
        left < 0.0
    });
    format!("{}…", &text[..end.map_or(text.len(), |(end, _)| end)]).into()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_heading_is_cut_where_its_room_ends() {
        let (all, cut_off) = ("x".repeat(10), "x".repeat(8) + "…");
        assert_eq!(cut(&all, 70.0), all);
        assert_eq!(cut(&all, 69.9), cut_off);
        assert_eq!(cut(&all, 5.0), "…");
        assert_eq!(cut("漢字漢字", 40.0), "漢字…");
    }

    /// By popping and measuring this took hours.
    #[test]
    fn a_heading_of_megabytes_is_cut_at_once() {
        let (send, receive) = channel();
        std::thread::spawn(move || send.send(cut(&"x".repeat(4 << 20), 450.0).len()));
        let length = receive.recv_timeout(Duration::from_secs(60)).expect("takes a minute");
        assert!(length < 100, "{length}");
    }
}
