//! `clearpage bench --share`: the files of a report in the gallery, and the text of its pull request.

use std::path::{Path, PathBuf};

use crate::UserError;
use crate::harness::machine::Machine;
use crate::harness::output::Outputs;
use crate::harness::units::count;
use crate::render::{Drawing, svg};
use crate::report::{self, Report, load};

/// The files to write, named after the CPU.
pub struct Share {
    name: String,
    json: PathBuf,
    outputs: Outputs<Drawing>,
}

impl Share {
    /// Checks that the files can be written.
    ///
    /// # Errors
    /// They cannot.
    pub fn of(machine: &Machine, folder: &Path) -> Result<Self, UserError> {
        let name = name(machine);
        let json = folder.join(&name).with_extension("json");
        let files =
            [(json.clone(), report::json as Drawing), (json.with_extension("svg"), svg::svg)];
        Ok(Self { name, json, outputs: Outputs::regular(files)? })
    }

    /// Writes the files, if the report is complete and passes the checks of all readers. Returns the
    /// lines of a pull request.
    ///
    /// # Errors
    /// The report is not complete or is refused, or a file cannot be written.
    pub fn write(self, report: &Report) -> Result<String, UserError> {
        let wrong = |what: String| UserError(format!("--share: nothing was written: {what}"));
        if !report.complete {
            return Err(wrong("the report is not complete".to_owned()));
        }
        load::parse(report::json(report).as_bytes()).map_err(wrong)?;
        self.outputs.finish(|drawing| drawing(report), "")?;
        Ok(request(&self.name, &self.json, &report.machine))
    }
}

/// Returns the lines of a pull request.
fn request(name: &str, json: &Path, machine: &Machine) -> String {
    let (json, svg) = (json.display().to_string(), json.with_extension("svg"));
    let (title, svg) = (machine.short_title(), svg.display());
    let cpus = count(machine.cpus, "CPU");
    let guest = machine.hypervisor.as_ref().map(|name| format!(" of a {name} guest"));
    let signature = machine.cpu_signature.as_ref().map(|text| format!(", {text}"));
    let signature = signature.unwrap_or_default();
    let guest = guest.unwrap_or_default();
    format!(
        "
To add this CPU to the gallery, check both files and send them as a pull request:

  clearpage judge {json}
  git checkout -b {name}
  git add {json} {svg}
  git commit -m \"Add the report of {title}\"

with these lines in results/README.md:

## {title}

{cpus}{guest}{signature}. [Report]({name}.json).

![Throughput against size on {title}]({name}.svg)
"
    )
}

/// Returns the name of the files: "amd-epyc-zen5-kvm".
fn name(machine: &Machine) -> String {
    let hypervisor = machine.hypervisor.as_deref().unwrap_or_default();
    let words = format!("{} {hypervisor}", machine.short_title()).to_lowercase();
    let mut name = String::new();
    for word in words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        // "zen 5" is "zen5".
        let digit = word.len() == 1 && word.starts_with(|c: char| c.is_ascii_digit());
        if !name.is_empty() && !digit {
            name.push('-');
        }
        name += word;
    }
    if name.is_empty() { machine.facts.isa.clone() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_as_those_of_the_gallery() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results");
        let mut reports = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let report = load::load(&path).unwrap();
                assert_eq!(path.file_stem().unwrap().to_str(), Some(&*name(&report.machine)));
                reports += 1;
            }
        }
        assert!(reports > 0);
    }
}
