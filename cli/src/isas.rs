//! The names of the primitives of every ISA, for messages: a build has the table of its own alone.

const ISAS: [(&str, &[&str]); 9] = [
    ("aarch64", &["dc_zva", "stp", "stnp", "mops", "mte"]),
    ("arm", &["stm", "neon"]),
    ("loongarch64", &["st_d", "lsx", "lasx"]),
    ("powerpc64", &["dcbz"]),
    ("riscv64", &["cbo_zero", "sd"]),
    ("s390x", &["xc", "mvcle"]),
    ("wasm32", &["memory_fill"]),
    ("x86", &["stosb", "stosd", "sse2", "movnti", "movntdq"]),
    (
        "x86_64",
        &[
            "stosb",
            "stosq",
            "sse2",
            "avx2",
            "avx512",
            "movnti",
            "movntdq",
            "movntdq_avx2",
            "movntdq_avx512",
            "clzero",
        ],
    ),
];

/// Returns the ISAs that have a primitive.
pub fn isas(primitive: &str) -> Vec<&'static str> {
    let having = ISAS.iter().filter(|(_, names)| names.contains(&primitive));
    having.map(|&(isa, _)| isa).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primitives_of_other_isas_are_those_of_the_documentation() {
        let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/primitives.md");
        let docs = std::fs::read_to_string(docs).unwrap();
        let sections: Vec<_> = docs.split("\n## ").skip(1).collect();
        assert_eq!(sections.len(), ISAS.len());
        for (section, (isa, names)) in sections.into_iter().zip(ISAS) {
            let (name, rows) = section.split_once('\n').unwrap();
            let rows = rows.lines().filter_map(|row| row.strip_prefix("| `")?.split('`').next());
            let rows: Vec<_> = rows.filter(|&row| row != "generic").collect();
            assert_eq!((name, &rows[..]), (isa, names));
        }
    }
}
