//! Charts in a file of their own.

use std::borrow::Cow;
use std::fmt::Write;

use super::legend::{entries, sample};
use super::picture::Picture;
use super::plot::WIDTH;
use super::text::{Escaped, letter, width};
use super::{bars, chart, machine, times};
use crate::report::Report;
use crate::report::group::groups;

const MARGIN: f64 = 10.0;
const LINE: f64 = 16.0;
/// Pictures side by side. More are too small in a README.
const COLUMNS: usize = 2;
const ACROSS: f64 = COLUMNS as f64 * (WIDTH + 2.0 * MARGIN);

/// Returns the times of `memset`'s speed, a chart for each group of figures, and bars if several CPUs
/// were measured.
pub fn svg(report: &Report) -> String {
    let mut sheet = Sheet::default();
    let title = format!("Clearing memory on {}", machine::title(&report.machine));
    sheet.heading(&title);
    sheet.line(&machine::subtitle(report));
    sheet.legend(&[report]);
    sheet.pictures(&times::pictures(report, times::frame([report])));
    let charts = chart::frame(report).into_iter().flat_map(|frame| {
        let groups = groups(report).into_iter();
        groups.filter_map(move |(group, cells)| chart::chart(report, frame, (&group, &cells)))
    });
    let charts: Vec<Picture> = charts.chain(bars::bars(report)).collect();
    if charts.is_empty() {
        sheet.line("Nothing was measured.");
    }
    sheet.pictures(&charts);
    sheet.finish(&title)
}

/// Returns the times of `memset`'s speed on several machines, to one scale.
pub fn overview(reports: &[(String, &Report)]) -> String {
    let mut sheet = Sheet::default();
    let title = "clearpage, times as fast as memset";
    sheet.heading(title);
    let all: Vec<_> = reports.iter().map(|(_, report)| *report).collect();
    sheet.legend(&all);
    let frame = times::frame(all);
    for (name, report) in reports {
        sheet.heading(name);
        sheet.line(&machine::subtitle(report));
        sheet.pictures(&times::pictures(report, frame));
    }
    sheet.finish(title)
}

/// A picture that grows downwards.
#[derive(Default)]
struct Sheet {
    body: String,
    /// Units down to where nothing is drawn yet.
    end: f64,
}

impl Sheet {
    fn heading(&mut self, text: &str) {
        self.end += MARGIN;
        text_at(&mut self.body, (MARGIN, self.end), ACROSS - 2.0 * MARGIN, ("heading", text));
        self.end += LINE;
    }

    fn line(&mut self, text: &str) {
        text_at(&mut self.body, (MARGIN, self.end), ACROSS - 2.0 * MARGIN, ("soft", text));
        self.end += LINE;
    }

    fn legend(&mut self, reports: &[&Report]) {
        const SAMPLE: f64 = 38.0;
        for (family, text) in entries(reports.iter().copied()) {
            let (x, y) = (MARGIN, self.end + 5.0);
            let sample = sample(family);
            let _ = writeln!(self.body, r#"<g transform="translate({x} {y})">{sample}</g>"#);
            let room = ACROSS - 2.0 * MARGIN - SAMPLE;
            text_at(&mut self.body, (MARGIN + SAMPLE, self.end), room, ("soft", &text));
            self.end += LINE;
        }
    }

    fn pictures(&mut self, pictures: &[Picture]) {
        for row in pictures.chunks(COLUMNS) {
            self.end += MARGIN;
            for (i, picture) in row.iter().enumerate() {
                let x = MARGIN + i as f64 * (WIDTH + 2.0 * MARGIN);
                text_at(&mut self.body, (x, self.end), WIDTH, ("heading", &picture.title));
                let _ = write!(
                    self.body,
                    "<g transform=\"translate({x:.0} {:.0})\">\n<title>{}</title>\n<desc>{}</desc>\n{}</g>\n",
                    self.end + LINE + 6.0,
                    Escaped(&picture.title),
                    Escaped(&picture.description),
                    picture.body
                );
            }
            let height = row.iter().map(|picture| picture.height).fold(0.0, f64::max);
            self.end += LINE + 6.0 + height + MARGIN;
        }
    }

    fn finish(self, title: &str) -> String {
        let height = self.end + MARGIN;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{ACROSS:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {ACROSS:.0} {height:.0}\" role=\"img\">\n\
             <title>{}</title>\n<style>\n{}{}</style>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"var(--paper)\"/>\n{}</svg>\n",
            Escaped(title),
            include_str!("theme.css"),
            include_str!("chart.css"),
            self.body
        )
    }
}

/// Writes a line of text with its upper left corner at `x`, `y`, cut to `room`.
fn text_at(body: &mut String, (x, y): (f64, f64), room: f64, (class, text): (&str, &str)) {
    // Bold letters are wider.
    const BOLD: f64 = 1.1;
    let text = cut(text, room / BOLD);
    let (y, text) = (y + 12.0, Escaped(&text));
    let _ = writeln!(body, r#"<text class="{class}" x="{x:.0}" y="{y:.0}">{text}</text>"#);
}

/// Returns the beginning of `text` that fits `room` with an ellipsis, or all of it.
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
        assert_eq!(cut(&all, 77.1), all);
        assert_eq!(cut(&all, 76.9), cut_off);
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
