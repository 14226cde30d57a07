//! Manual pages, from the same texts as `--help`.

use clap::{Args, Command};
use clap_mangen::Man as Page;
use roff::{Inline, Roff, bold, roman};

use crate::UserError;

/// The arguments of `man`.
#[derive(Debug, Args)]
pub struct Man {
    /// The command [default: the tool itself]
    pub command: Option<String>,
}

/// Variables that each command obeys.
const ENVIRONMENT: [(&str, &str); 5] = [
    ("CLEARPAGE_FORCE", "Name of a primitive, which then serves every clear."),
    (
        "CLEARPAGE_TUNING",
        "Name of a file that clearpage tune wrote. It replaces the default choice of primitives. On another CPU it is \
         ignored, with a message.",
    ),
    ("COLUMNS", "Width of tables and text. Default: that of the terminal."),
    ("NO_COLOR", "Disables colours."),
    ("TERM", "If it is dumb, tables are ASCII, without colours."),
];

const STATUS: &str = "0 on success, 2 if an argument is wrong or a file cannot be read or written.";

/// Returns the manual page of a command of `tool`, as roff.
///
/// # Errors
/// There is no such command.
pub fn page(tool: Command, args: &Man) -> Result<String, UserError> {
    let (name, version) =
        (tool.get_name().to_owned(), tool.get_version().unwrap_or_default().to_owned());
    let mut tool = tool.disable_help_subcommand(true);
    tool.build();
    let command = match &args.command {
        None => tool,
        Some(name) => tool.find_subcommand(name).cloned().ok_or_else(|| {
            let allowed: Vec<_> = tool.get_subcommands().map(Command::get_name).collect();
            UserError(format!("man {name}: no such command; allowed are {}", allowed.join(", ")))
        })?,
    };
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (arguments, commands) = (
        command.get_arguments().any(|argument| !argument.is_hide_set()),
        command.get_subcommands().next().is_some(),
    );
    let page = Page::new(command).source(format!("{name} {version}"));
    let mut out = Vec::new();
    let rendered = page
        .render_title(&mut out)
        .and_then(|()| page.render_name_section(&mut out))
        .and_then(|()| page.render_synopsis_section(&mut out))
        .and_then(|()| page.render_description_section(&mut out));
    let rendered = rendered
        .and_then(|()| if arguments { page.render_options_section(&mut out) } else { Ok(()) })
        .and_then(|()| if commands { page.render_subcommands_section(&mut out) } else { Ok(()) });
    rendered.map_err(|error| UserError(format!("man: {error}")))?;
    Ok(String::from_utf8_lossy(&out).into_owned() + &sections(&after))
}

/// Returns the text after the options by sections: its paragraphs begin with their headings.
fn sections(after: &str) -> String {
    let (mut notes, mut status, mut examples) = (Vec::new(), STATUS, "");
    for paragraph in after.split("\n\n") {
        if let Some(text) = paragraph.strip_prefix("Exit status: ") {
            status = text;
        } else if paragraph.starts_with("Example") {
            examples = paragraph.split_once('\n').map_or("", |(_, lines)| lines);
        } else {
            notes.push(paragraph);
        }
    }
    let mut roff = Roff::new();
    if !notes.concat().is_empty() {
        roff.control("SH", ["NOTES"]);
        for note in notes {
            roff.control("PP", []).text([roman(note)]);
        }
    }
    roff.control("SH", ["EXIT STATUS"]).text([roman(status)]);
    roff.control("SH", ["ENVIRONMENT"]);
    for (name, text) in ENVIRONMENT {
        roff.control("TP", []).text([bold(name)]).text([roman(text)]);
    }
    if !examples.is_empty() {
        roff.control("SH", ["EXAMPLES"]).control("nf", []);
        let lines: Vec<Vec<Inline>> = examples.lines().map(|line| vec![roman(line)]).collect();
        lines.into_iter().for_each(|line| _ = roff.text(line));
        roff.control("fi", []);
    }
    roff.to_roff()
}
