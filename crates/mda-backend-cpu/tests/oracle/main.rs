//! Every operation, fused chains, buffer sharing and probes against the reference evaluation, on every instruction set
//! that runs here.

mod check;
mod convolutions;
mod fusion;
mod pointwise;
mod pools;
mod probes;
mod sessions;

#[test]
fn conformance() {
    for backend in check::backends() {
        mda_testkit::conformance::run(&backend, None).assert_passed();
    }
}

/// What an emulated processor runs of the suite.
#[test]
fn one_network_conforms() {
    for backend in check::backends() {
        let report = mda_testkit::conformance::run_some(&backend, None, |name| name.ends_with("block: inception"));
        let names: Vec<&str> = report.cases().iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["block: inception", "masks: block: inception", "training: block: inception"]);
        report.assert_passed();
    }
}

/// Linux says on its own account what the processor has.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn what_the_processor_has_is_picked() {
    use mda_backend_cpu::CpuBackend;
    let report = std::fs::read_to_string("/proc/cpuinfo").expect("what Linux reports of the processor");
    let flags: Vec<&str> = report.lines().find(|line| line.starts_with("flags")).unwrap().split_whitespace().collect();
    let has = |names: &[&str]| names.iter().all(|name| flags.contains(name));
    let avx2 = has(&["avx2", "fma"]);
    let avx512 = avx2 && has(&["avx512f", "avx512bw", "avx512dq", "avx512vl"]);
    let named = [(avx512, "AVX-512"), (avx2, "AVX2 with FMA"), (true, "portable")];
    let expected: Vec<&str> = named.into_iter().filter_map(|(has, name)| has.then_some(name)).collect();
    let found: Vec<&str> = CpuBackend::available().iter().map(CpuBackend::instructions).collect();
    assert_eq!(found, expected);
    assert_eq!(CpuBackend::new().instructions(), expected[0]);
}
