//! Probes against the oracle.

use crate::check::{agrees, single};
use mda_backend_cpu::CpuBackend;
use mda_core::op::{Conv2d, Padding, Window};
use mda_core::run::backend::{Backend, BackendError, Probe};

#[test]
fn window_sums() {
    let uneven = Padding { top: 1, left: 2, bottom: 0, right: 3 };
    for extents in [[2, 2], [9, 11], [13, 5], [5, 130]] {
        for kernel in [[1, 1], [3, 3], [2, 4], [2, 5]] {
            for (stride, dilation) in [([1, 1], [1, 1]), ([2, 2], [1, 1]), ([3, 1], [1, 2]), ([2, 3], [2, 1])] {
                for padding in [Padding::default(), Padding::same(1), uneven, Padding::same(5)] {
                    let window = Window { kernel, stride, padding, dilation };
                    if window.output(extents, false).is_ok() {
                        let conv = Conv2d { out_channels: 2, window, groups: 1, bias: false };
                        let model = single([2, extents[0], extents[1]], conv);
                        agrees(&model, &[Probe::WindowSum(1), Probe::Input(1), Probe::Moments(0)], &[1, 3]);
                    }
                }
            }
        }
    }
}

#[test]
fn a_probe_that_does_not_fit_is_an_error() {
    let model = single([2, 4, 4], Conv2d::dense(2, 3, 1, 1, true));
    for probe in [Probe::WindowSum(2), Probe::Input(0), Probe::Value(9)] {
        let error = CpuBackend::new().compile(&model, None, &[probe]).err();
        assert!(matches!(error, Some(BackendError::BadProbe { .. })), "{probe:?}");
    }
}
