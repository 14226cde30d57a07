//! The benchmarks of clearpage: `cargo bench --bench primitives` is criterion over the table of
//! primitives, `cargo bench --bench ratios` what the crate promises.
