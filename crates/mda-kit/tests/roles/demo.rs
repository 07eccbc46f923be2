//! The calls that the demo makes.

use super::diary::Diary;
use super::{bench, parts_of};
use mda::demo::{SHARES, joint, share};
use mda::{Data, Runtime};
use std::collections::HashSet;
use std::sync::Arc;

#[test]
fn the_demo_keeps_roles_apart() {
    let (diary, runtime) = (Arc::new(Diary::default()), Runtime::cpu());
    let benches = SHARES.map(|(sample, task)| (bench(&sample, &diary), task));
    let mut shares = Vec::new();
    for (bench, task) in &benches {
        let name = format!("{}-{task}", bench.name);
        let share = share(&bench.source, &bench.data, (task, name), &runtime, &*diary).unwrap();
        let parts = parts_of(&share.component, &bench.data);
        diary.keeps_to(bench.name, &parts);
        let compared = diary.during("comparing with other formulations at the same size", bench.name);
        let own: HashSet<usize> = parts.looked_at().chain(parts.of(mda_data::Role::Tuning).iter().copied()).collect();
        assert!(!compared.is_empty() && compared.is_subset(&own), "baselines are made of the component's own images");
        shares.push((share, &bench.data));
    }
    let shares: Vec<(_, &Data)> = shares.iter().map(|(share, data)| (share, *data)).collect();
    let joined = joint(&shares, &runtime, &*diary).unwrap();
    for ((share, data), (bench, _)) in shares.iter().zip(&benches) {
        let looked_at: HashSet<usize> = parts_of(&share.component, data).looked_at().collect();
        for joined in joined.iter().filter(|joined| joined.what.starts_with("assembled")) {
            let calibrated = diary.during(joined.what, bench.name);
            assert_eq!(calibrated.is_empty(), joined.what.ends_with("as they are"), "{}", joined.what);
            assert!(calibrated.is_disjoint(&looked_at), "{}: images that spoke or repaired calibrate", joined.what);
        }
    }
    let comparing = ["measuring on test images", "comparing with other formulations at the same size"];
    let measuring: Vec<&str> = comparing.into_iter().chain(joined.iter().map(|joined| joined.what)).collect();
    diary.reads_test_images_only_during(&measuring);
    diary.measures_last();
}
