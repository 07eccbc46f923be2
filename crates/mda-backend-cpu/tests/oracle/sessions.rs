//! Sessions: varying batches, several at once, refused input.

use crate::check::{agrees, single};
use mda_backend_cpu::CpuBackend;
use mda_core::Tensor;
use mda_core::op::Conv2d;
use mda_core::run::backend::{Backend, BackendError, Probe};
use mda_testkit::generate::random_images;

/// Batches of every size through one session, smaller after larger, and more images than one part holds.
#[test]
fn batch_sizes_may_vary() {
    let model = single([16, 6, 6], Conv2d::dense(20, 3, 1, 1, true));
    agrees(&model, &[Probe::WindowSum(1), Probe::Value(1)], &[64, 1, 7, 150, 2]);
}

#[test]
fn sessions_of_one_program_run_at_once() {
    let model = single([16, 12, 12], Conv2d::dense(40, 3, 1, 1, true));
    let program = CpuBackend::new().compile(&model, None, &[]).unwrap();
    let batches: Vec<Tensor> = (0..4).map(|seed| random_images(&model, 9, seed)).collect();
    let alone = &|batch: &Tensor| program.session().unwrap().run(batch).unwrap().logits;
    let expected: Vec<Tensor> = batches.iter().map(alone).collect();
    std::thread::scope(|scope| {
        for (batch, expected) in batches.iter().zip(&expected) {
            scope.spawn(move || (0..5).for_each(|_| assert_eq!(&alone(batch), expected)));
        }
    });
}

/// The answer does not depend on how many threads there are.
#[test]
fn threads_change_nothing() {
    let model = single([16, 24, 24], Conv2d::dense(70, 3, 1, 1, true));
    let batch = random_images(&model, 8, 1);
    let logits = [1, 2, 5].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut session = CpuBackend::new().compile(&model, None, &[]).unwrap().session().unwrap();
            session.run(&batch).unwrap().logits
        })
    });
    assert!(logits[1..].iter().all(|other| other == &logits[0]));
}

#[test]
fn what_does_not_fit_is_an_error() {
    let model = single([3, 4, 4], Conv2d::dense(2, 3, 1, 1, true));
    let error = CpuBackend::new().compile(&model, Some("cuda:0"), &[]).err();
    assert!(matches!(error, Some(BackendError::NoDevice { .. })));
    let mut session = CpuBackend::new().compile(&model, Some("cpu"), &[]).unwrap().session().unwrap();
    for shape in [vec![0, 3, 4, 4], vec![2, 3, 4, 5], vec![3, 4, 4]] {
        let error = session.run(&Tensor::zeros(shape)).err();
        assert!(matches!(error, Some(BackendError::BadBatch { .. })));
    }
    assert_eq!(CpuBackend::new().devices()[0].id, "cpu");
}
