//! The pickle machine: what it runs and what it refuses.

use proptest::prelude::*;

use super::*;
use crate::scalar::{FloatType, ScalarType};

fn read(pickle: &[u8]) -> Result<Pickle<'_>, PickleError> {
    load(pickle, 0, pickle.len())
}

fn error(pickle: &[u8]) -> PickleError {
    read(pickle).expect_err("the pickle is refused")
}

/// A tensor over numbers 1 and 2 of a storage of four, with `metadata` for its seventh argument.
fn tensor(metadata: &str) -> Vec<u8> {
    let id = "(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04tQ";
    format!("ctorch._utils\n_rebuild_tensor_v2\n({id}K\x01(K\x02t(K\x01tNN{metadata}tR.").into_bytes()
}

#[test]
fn plain_data_of_every_protocol_is_built() {
    let binary = b"\x80\x02]q\x00(K\x01J\xff\xff\xff\xffM\x00\x01\x8a\x01\x80NX\x02\x00\x00\x00abG\x00\x00\x00\x00\x00\x00\x00\x00e.";
    let items = |pickle: &[u8]| -> Vec<String> {
        let pickle = read(pickle).unwrap();
        pickle.heap.sequence(pickle.root).unwrap().iter().map(|value| format!("{value:?}")).collect()
    };
    assert_eq!(items(binary), ["Int(1)", "Int(-1)", "Int(256)", "Int(-128)", "None", "Text(\"ab\")", "Float"]);
    assert_eq!(items(b"(lp0\nI1\naI01\naI-7\naL5L\naF0.5\na."), ["Int(1)", "Bool(true)", "Int(-7)", "Int(5)", "Float"]);
    assert_eq!(
        items(b"\x80\x04\x95\x0a\0\0\0\0\0\0\0]\x94(\x8c\x01a\x88C\x01xe."),
        ["Text(\"a\")", "Bool(true)", "Bytes"]
    );
}

#[test]
fn dicts_share_and_hold_themselves() {
    let pickle = read(b"}q\x00(U\x01ah\x00U\x01bh\x00u.").unwrap();
    let items = pickle.heap.dict(pickle.root).unwrap();
    assert_eq!(items, [(Value::Text("a"), pickle.root), (Value::Text("b"), pickle.root)]);
}

#[test]
fn an_ordered_dict_of_python_2_is_built_from_its_pairs() {
    let pickle = read(b"ccollections\nOrderedDict\n((lp1\n(lp2\nU\x01aaK\x07aatRp3\n.").unwrap();
    assert_eq!(pickle.heap.dict(pickle.root).unwrap(), [(Value::Text("a"), Value::Int(7))]);
}

#[test]
fn a_tensor_is_a_view_of_a_storage() {
    let bytes = tensor("N");
    let pickle = read(&bytes).unwrap();
    let scalar = ScalarType::Float(FloatType::F32);
    let storage = StorageRef { key: "0", scalar, total: 4, first: 0, length: 4 };
    let expected = TensorRef { storage, offset: 1, shape: vec![2], strides: vec![1] };
    assert_eq!(pickle.heap.tensor(pickle.root), Some(&expected));
}

#[test]
fn a_parameter_of_pytorch_0_3_is_its_tensor() {
    let bytes = tensor("N");
    let parameter = |state: &[u8]| {
        [b"ctorch.nn.parameter\nParameter\n", &bytes[..bytes.len() - 1], b"\x85R(", state, b"tb."].concat()
    };
    let bytes = parameter(b"\x88\x89N");
    let pickle = read(&bytes).unwrap();
    assert_eq!(pickle.heap.tensor(pickle.root).unwrap().shape, [2]);
    assert!(matches!(error(&parameter(b"NNNNN")), PickleError::Unexpected { .. }));
}

#[test]
fn a_view_of_a_storage_begins_where_its_id_says() {
    let id = |first: u8, length: u8| {
        let view = [b'(', b'U', 1, b'1', b'K', first, b'K', length, b't'];
        [b"(U\x07storagectorch\nHalfStorage\nU\x010U\x03cpuK\x04", &view[..], b"tQ."].concat()
    };
    let bytes = id(1, 3);
    let pickle = read(&bytes).unwrap();
    let storage = pickle.heap.storages().next().unwrap();
    assert_eq!((storage.total, storage.first, storage.length), (4, 1, 3));
    assert!(matches!(error(&id(2, 3)), PickleError::Unexpected { .. }));
}

#[test]
fn a_tensor_that_is_to_be_negated_when_read_is_an_error() {
    assert!(matches!(error(&tensor("}U\x03neg\u{4e}s")), PickleError::Unexpected { .. }));
}

#[test]
fn whatever_names_a_function_is_refused() {
    let name = |pickle: &[u8]| match error(pickle) {
        PickleError::Refused { global, offset } => (global, offset),
        other => panic!("{other:?}"),
    };
    assert_eq!(name(b"cos\nsystem\n(U\x02lstR."), ("os.system".into(), 0));
    assert_eq!(name(b"(U\x02lsios\nsystem\n."), ("os.system".into(), 5));
    assert_eq!(name(b"\x8c\x05posix\x8c\x06system\x93."), ("posix.system".into(), 15));
    assert_eq!(name(b"cbuiltins\neval\n."), ("builtins.eval".into(), 0));
    assert_eq!(name(b"ctorch.storage\n_load_from_bytes\n."), ("torch.storage._load_from_bytes".into(), 0));
    assert_eq!(name(b"cargparse\nNamespace\n."), ("argparse.Namespace".into(), 0));
    // A name goes to the terminal, so control characters in it are escaped, and it is cut.
    assert_eq!(name(b"c\x1b[31m\nred\n."), ("\\u{1b}[31m.red".into(), 0));
    assert_eq!(name(&[b"c", &[b'x'; 1000][..], b"\nx\n."].concat()).0.len(), 200);
    assert!(matches!(error(b"\x82\x01."), PickleError::Opcode { opcode: 0x82, offset: 0 }));
}

#[test]
fn attributes_of_a_module_make_it_a_whole_module() {
    let pickle = b"c__main__\nNet\n)\x81}(U\x0b_parameters}U\x08_modules}ub.";
    assert!(matches!(error(pickle), PickleError::WholeModule { class, .. } if class == "__main__.Net"));
}

#[test]
fn numbers_texts_and_storages_cannot_be_called() {
    for pickle in [&b"K\x01)R."[..], b"U\x01a)R.", b"ctorch\nFloatStorage\n)R.", b"ccollections\nOrderedDict\nNR."] {
        assert!(matches!(error(pickle), PickleError::Unexpected { .. }), "{pickle:?}");
    }
}

#[test]
fn what_is_not_there_is_an_error() {
    for pickle in
        [&b"."[..], b"0.", b"t.", b"\x86.", b"h\x07.", b"(K\x01s.", b"}(K\x01u.", b"K\x01(0000.", b"r\xff\xff\xff\x7f."]
    {
        assert!(matches!(error(pickle), PickleError::Missing { .. }), "{pickle:?}");
    }
}

#[test]
fn lengths_beyond_the_file_are_errors_before_anything_is_allocated() {
    for pickle in [
        &b"X\xff\xff\xff\xff"[..],
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x8b\xff\xff\xff\x7f.",
        b"cos",
    ] {
        assert!(matches!(error(pickle), PickleError::Truncated { .. }), "{pickle:?}");
    }
}

#[test]
fn a_short_pickle_cannot_grow() {
    let endless = [&b"]"[..], &b"]".repeat(100_000)].concat();
    assert!(matches!(error(&endless), PickleError::TooLong { .. }));
    // One list of a thousand pairs, copied into an OrderedDict again and again.
    let pairs = [&b"]("[..], &b"NN\x86".repeat(1000), b"eq\x00"].concat();
    let copies = b"ccollections\nOrderedDict\nh\x00\x85R0".repeat(1000);
    assert!(matches!(error(&[pairs, copies].concat()), PickleError::TooLong { .. }));
    let axes = [&b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04tQq\x000"[..], b"("].concat();
    let axes = [&axes[..], &b"K\x01".repeat(65), b"tq\x01ctorch._utils\n_rebuild_tensor_v2\n(h\x00K\x00h\x01h\x01tR."]
        .concat();
    assert!(matches!(error(&axes), PickleError::Unexpected { expected: "no more than 64 axes", .. }));
}

/// A byte that is mostly an opcode the machine knows, so that random pickles get further than their first byte.
fn any_opcode() -> impl Strategy<Value = u8> {
    let known = b"(.012NIJKMLFGTUXBC}dsu]lae)tgjhpqrciRbQ\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96";
    prop_oneof![4 => prop::sample::select(&known[..]), 1 => any::<u8>()]
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any_opcode(), 0..200)) {
        let _ = read(&bytes);
    }

    #[test]
    fn no_changed_checkpoint_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any_opcode()), 1..4)) {
        let mut bytes = tensor("N");
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = read(&bytes);
    }
}
