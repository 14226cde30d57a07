//! Invented reports, the same every time.

use clap::ValueEnum;
use clearpage_cli::harness::machine::Machine;
use clearpage_cli::report::facts::Recorded;
use clearpage_cli::report::{
    Backing, Cell, Place, PlanRow, Report, SCHEMA, Temperature, compare_to_envelope,
};

const CACHE: f64 = 32e6;

/// Name, whether it is a primitive, GB/s in the cache, GB/s outside, nanoseconds a call.
const CONTENDERS: [(&str, bool, f64, f64, f64); 16] = [
    ("plan", false, 160.0, 35.0, 4.0),
    ("auto", false, 160.0, 30.0, 4.0),
    ("stosb", true, 165.0, 26.0, 14.0),
    ("stosq", true, 163.0, 26.1, 14.5),
    ("sse2", true, 125.0, 10.0, 2.0),
    ("avx2", true, 240.0, 10.1, 2.1),
    ("avx512", true, 238.0, 10.2, 2.0),
    ("movnti", true, 63.0, 20.0, 90.0),
    ("movntdq", true, 93.0, 30.0, 95.0),
    ("movntdq_avx2", true, 93.1, 30.1, 95.0),
    ("movntdq_avx512", true, 93.2, 29.8, 96.0),
    ("clzero", true, 92.0, 33.0, 100.0),
    ("generic", true, 62.0, 10.0, 3.0),
    ("libc memset", false, 164.0, 26.0, 13.0),
    ("slice::fill", false, 163.5, 26.0, 13.0),
    ("stosb a page", false, 139.0, 8.0, 14.0),
];

/// A machine with two CPUs and everything measured.
pub fn report() -> Report {
    let sizes: Vec<usize> = (0..10).map(|step| 4096 << (2 * step)).collect();
    let mut cells = Vec::new();
    for (cpu, threads) in [(Some(0), 1), (Some(1), 1), (None, 2)] {
        for backing in [Backing::Base, Backing::Thp] {
            for &temperature in Temperature::value_variants() {
                for &size in &sizes {
                    let place = Place { cpu, threads, backing, temperature, size };
                    cells.extend((0..CONTENDERS.len()).map(|who| cell(who, place)));
                }
            }
        }
    }
    compare_to_envelope(&mut cells);
    Report {
        schema: SCHEMA,
        version: "0.1.0".to_owned(),
        command: ["bench", "--json", "sample.json"].map(str::to_owned).to_vec(),
        started: 1_767_225_600,
        complete: true,
        machine: machine(),
        page_size: 4096,
        plan: plan(),
        warnings: vec!["a hypervisor is present (KVM): others share the caches".to_owned()],
        cells,
        overhead: Vec::new(),
    }
}

/// The same with nothing measured.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn empty() -> Report {
    Report { cells: Vec::new(), plan: Vec::new(), warnings: Vec::new(), ..report() }
}

fn cell(who: usize, place: Place) -> Cell {
    let (name, primitive, inside, outside, call) = CONTENDERS[who];
    let bytes = place.size as f64;
    let share = match place.temperature {
        Temperature::Hot | Temperature::Reuse => (bytes / CACHE).clamp(0.0, 1.0),
        _ => 1.0,
    };
    let slower = match (place.temperature, place.backing) {
        (Temperature::Fault, Backing::Base) => 4.0,
        (Temperature::Fault, _) | (_, Backing::Base) => 1.5,
        _ => 1.0,
    } * if place.cpu == Some(1) { 1.4 } else { 1.0 };
    let threads = place.threads as f64;
    let rate = inside * (1.0 - share) + outside * share;
    // No two figures are alike, so that one in the wrong place is seen.
    let own = 1.0 + 1e-3 * ((who * 31 + place.size.ilog2() as usize * 7) % 17) as f64;
    let ns = own * slower * (call + bytes / rate);
    let ns_per_page = ns / (bytes / 4096.0);
    Cell {
        contender: name.to_owned(),
        place,
        primitive,
        planned: name == if place.temperature != Temperature::Cold { "avx2" } else { "clzero" },
        ns,
        ns_mad: ns * 0.013,
        gb_per_s: threads * bytes / ns,
        ns_per_page,
        tsc_cycles_per_page: Some(ns_per_page * 2.6),
        of_envelope: None,
        samples: 9,
        rounds: None,
    }
}

fn plan() -> Vec<PlanRow> {
    let rows = [("auto", 4096, "avx2"), ("auto", 1 << 25, "clzero"), ("cold", 4096, "clzero")];
    rows.map(|(intent, from, primitive)| PlanRow {
        intent: intent.to_owned(),
        from,
        primitive: primitive.to_owned(),
    })
    .to_vec()
}

fn machine() -> Machine {
    Machine {
        cpu: "Example CPU 9000 with 2 Cores (ExampleMaker)".to_owned(),
        microarchitecture: Some("Example 9".to_owned()),
        cpu_signature: Some("family 26, model 2, stepping 1".to_owned()),
        microcode: Some("0x1000065".to_owned()),
        governor: None,
        c_library: Some("glibc 2.36".to_owned()),
        facts: Recorded {
            isa: "x86_64".to_owned(),
            vendor: "ExampleMaker".to_owned(),
            family: 26,
            model: 2,
            stepping: 1,
            features: vec![("erms".to_owned(), true), ("fzrm".to_owned(), false)],
            l1d: 48 << 10,
            l2: 1 << 20,
            l3: 32 << 20,
            block: 0,
            hypervisor: true,
        },
        os_page_size: 4096,
        huge_pages: Some("madvise".to_owned()),
        hypervisor: Some("KVM".to_owned()),
        kernel: "Linux 6.12.0".to_owned(),
        cpus: 2,
        memory: 24 << 30,
    }
}
