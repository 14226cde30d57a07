//! The layout of the overview: at most 40 lines, for a screen of 60 columns or more.

use console::{Style, measure_text_width};

use super::verdict::verdict;
use crate::harness::machine::Machine;
use crate::harness::terminal::{self, Plain, wrap};
use crate::harness::units::{format_size, three_digits};
use crate::report::group::{Group, Index, PLAN, groups, sizes};
use crate::report::{MEMSET, Report, Temperature};

/// Another primitive is marked if it is faster by more than this.
const LEAD: f64 = 1.10;
/// Columns of a row without its bar.
const FIGURES: usize = 42;
/// Columns of a name: less is narrower than the heading.
const SHORTEST_NAME: usize = 11;
const SHORTEST_BAR: usize = 6;
const LONGEST_BAR: usize = 24;

/// Longer lines are hard to read.
const WIDEST: usize = 80;

/// What the terminal can display.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    pub columns: usize,
    /// Whether it has block characters.
    pub blocks: bool,
    pub colours: bool,
}

impl Screen {
    /// Returns the properties of standard output.
    pub fn detect() -> Self {
        const UNKNOWN: usize = 80;
        Self {
            columns: terminal::width().map_or(UNKNOWN, usize::from),
            blocks: !terminal::is_ascii(),
            // Neither without a terminal, nor under NO_COLOR or TERM=dumb.
            colours: console::colors_enabled(),
        }
    }

    fn styled(self, text: &str, style: Style) -> String {
        style.force_styling(self.colours && !text.is_empty()).apply_to(text).to_string()
    }
}

/// A size at one temperature.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub temperature: Temperature,
    pub size: usize,
    /// GB/s, with three digits: the ratios are of what is printed.
    pub plan: f64,
    pub memset: f64,
    /// The fastest primitive.
    pub best: f64,
    pub name: &'a str,
    /// Whether the plan uses it: then it is faster by chance.
    pub planned: bool,
    /// Whether the plan is judged here.
    pub judged: bool,
}

impl Row<'_> {
    /// Returns how many times as fast as `memset` the plan is.
    pub fn ratio(&self) -> f64 {
        self.plan / self.memset
    }

    /// Returns the speed of the plan as a share of the fastest primitive's.
    pub fn share(&self) -> f64 {
        (self.plan / self.best).min(1.0)
    }

    fn mark(&self) -> &'static str {
        match self.best > LEAD * self.plan && !self.planned {
            true if self.judged => "<",
            true => "~",
            false => "",
        }
    }
}

/// Returns the overview of a report.
pub fn text(report: &Report, screen: Screen) -> String {
    let screen = Screen { columns: screen.columns.min(WIDEST), ..screen };
    let mut out = wrap(&head(&report.machine), screen.columns);
    for warning in &report.warnings {
        out += &wrap(&format!("warning: {}", Plain(warning)), screen.columns);
    }
    let mut all = Vec::new();
    for (group, cells) in groups(report) {
        let index = Index::new(&cells);
        let sizes = sizes(&cells);
        let rows: Vec<_> =
            sizes.iter().filter_map(|&size| row(report, &group, &index, size)).collect();
        if !rows.is_empty() {
            out += &table(&rows, screen);
            all.extend(rows);
        }
    }
    out.push('\n');
    match verdict(&all) {
        Some(text) => out += &wrap(&text, screen.columns),
        None => out += "Nothing was measured.\n",
    }
    let marked = |mark: &str| all.iter().any(|row| row.mark() == mark);
    let mut legend = |mark: &str, text: &str| {
        if marked(mark) {
            out += &wrap(&format!("{mark}  {text}"), screen.columns);
        }
    };
    legend("<", "Another primitive is more than 10 % faster here: `clearpage tune` finds it.");
    legend("~", "Another primitive is faster, but only if nothing uses the cleared memory.");
    out + &next(screen)
}

/// Returns the machine in a sentence.
fn head(machine: &Machine) -> String {
    let mut facts = vec![machine.short_title()];
    for (name, bytes) in
        [("L1d", machine.facts.l1d), ("L2", machine.facts.l2), ("L3", machine.facts.l3)]
    {
        if bytes > 0 {
            facts.push(format!("{name} {}", format_size(bytes as u64)));
        }
    }
    facts.push(machine.kernel.clone());
    facts.extend(machine.c_library.clone());
    Plain(facts.join(", ")).to_string()
}

fn row<'a>(report: &Report, group: &Group, index: &Index<'a>, size: usize) -> Option<Row<'a>> {
    let printed = |gb_per_s: f64| three_digits(gb_per_s).parse().unwrap_or(gb_per_s);
    let (plan, best) = (index.find(PLAN, size)?, index.best(size)?);
    Some(Row {
        temperature: group.temperature,
        size,
        plan: printed(plan.gb_per_s),
        memset: printed(index.find(MEMSET, size)?.gb_per_s),
        best: printed(best.gb_per_s),
        name: &best.contender,
        planned: best.planned,
        judged: plan.place.is_judged(report.machine.facts.l2),
    })
}

/// Returns the rows of a temperature with their heading.
fn table(rows: &[Row<'_>], screen: Screen) -> String {
    let name = rows.iter().map(|row| row.name.len()).max().unwrap_or(0).max(SHORTEST_NAME);
    let spare = screen.columns.saturating_sub(FIGURES + name + 2);
    let bar = if spare > SHORTEST_BAR { (spare - 1).min(LONGEST_BAR) } else { 0 };
    let title = match rows[0].temperature {
        Temperature::Hot => "hot: in the cache",
        _ => "cold: not in the cache",
    };
    let head = format!(
        "{:>8}{:bar$}  clearpage  memset  ratio  fastest primitive",
        "size",
        "",
        bar = bar + usize::from(bar > 0)
    );
    let mut out = format!("\n{}\n", screen.styled(&format!("GB/s, {title}"), Style::new().bold()));
    out += &format!("{head}\n");
    let most = rows.iter().map(|row| row.plan.max(row.memset).max(row.best)).fold(0.0, f64::max);
    for row in rows {
        let size = format_size(row.size as u64);
        let ratio = format!("{:.2}x", row.ratio());
        let colour = match row.ratio() {
            ..0.9 => Style::new().red(),
            1.1.. => Style::new().green(),
            _ => Style::new(),
        };
        let mut bars = String::new();
        if bar > 0 {
            bars = format!(" {}", drawn(row.plan / most, bar, screen.blocks));
        }
        let line = format!(
            "{size:>8}{bars}  {:>9}  {:>6}  {}  {:>5} {:name$} {}",
            three_digits(row.plan),
            three_digits(row.memset),
            screen.styled(&format!("{ratio:>5}"), colour),
            three_digits(row.best),
            Plain(row.name).to_string(),
            screen.styled(row.mark(), Style::new().yellow()),
        );
        out += line.trim_end();
        out.push('\n');
    }
    out
}

/// Returns a bar of `columns` columns that is filled up to `share`.
fn drawn(share: f64, columns: usize, blocks: bool) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (share.clamp(0.0, 1.0) * (8 * columns) as f64).round() as usize;
    let mut bar = if blocks { "█" } else { "#" }.repeat(eighths / 8);
    if blocks && eighths % 8 > 0 {
        bar.push(EIGHTHS[eighths % 8]);
    }
    let rest = columns - measure_text_width(&bar);
    bar + &" ".repeat(rest)
}

/// Returns what to do next.
fn next(screen: Screen) -> String {
    let commands = [
        ("clearpage tune --output my.tuning", "the best choice here"),
        ("clearpage bench --html page.html", "all primitives, charts"),
        ("clearpage --help", "all commands"),
    ];
    let mut out = "\n".to_owned();
    for (command, what) in commands {
        out += &wrap(&format!("  {command:34} {what}"), screen.columns);
    }
    out
}
