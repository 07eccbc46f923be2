//! Checkpoints of real, trained models. They are not part of the repository: `MDA_SHARED` says where they lie.

use std::path::PathBuf;

use mda_formats::{Format, StateDict};

#[test]
fn trained_checkpoints_have_their_layers() {
    let Some(shared) = std::env::var_os("MDA_SHARED") else {
        eprintln!("skipped: MDA_SHARED is unset, so the trained checkpoints are not at hand");
        return;
    };
    let models = PathBuf::from(shared).join("models");
    let lenet: [(&str, &[usize]); 3] =
        [("conv1.weight", &[6, 3, 5, 5]), ("fc1.weight", &[120, 400]), ("fc.bias", &[10])];
    let vgg = |categories| -> [(&str, Vec<usize>); 4] {
        [
            ("features.0.weight", vec![24, 3, 3, 3]),
            ("features.1.running_var", vec![24]),
            ("classifier.0.weight", vec![1024, 192]),
            ("classifier.6.bias", vec![categories]),
        ]
    };
    let lenet = lenet.map(|(name, shape)| (name, shape.to_vec())).to_vec();
    for (file, expected, entries, ignored) in [
        ("lenet5-mnist.pth", lenet.clone(), 10, 0),
        ("lenet5-fashion-mnist.pth", lenet, 10, 0),
        ("vgg16-w0.375-cifar10.pth", vgg(10).to_vec(), 13 * 6 + 6, 13),
        ("vgg16-w0.375-fashion-mnist.pth", vgg(10).to_vec(), 13 * 6 + 6, 13),
        ("vgg16-w0.375-tiny-imagenet-32.pth", vgg(200).to_vec(), 13 * 6 + 6, 13),
    ] {
        let state_dict = StateDict::read(models.join(file)).unwrap_or_else(|error| panic!("{file}: {error:?}"));
        assert_eq!(state_dict.format, Format::PytorchZip, "{file}");
        for (name, shape) in expected {
            assert_eq!(state_dict.entries[name].shape(), shape, "{file}: {name}");
        }
        assert_eq!((state_dict.names.len(), state_dict.ignored.len()), (entries, ignored), "{file}");
        assert!(state_dict.ignored.iter().all(|name| name.ends_with("num_batches_tracked")), "{file}");
    }
}
