//! Files that are no model, or a damaged one.

use super::{Bench, FAILED, refused, small_network};
use mda_formats::native;
use std::fs;

/// A safetensors file with this header and four zero bytes behind it.
fn headed(header: &str) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes
}

#[test]
fn files_that_are_no_models() {
    let bench = Bench::new();
    small_network(&bench.path("good"), "good", 1, &["a", "b"]);
    let good = fs::read(bench.path("good")).unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(bench.path(name), bytes).unwrap();
    // Without a digest, which would tell any change.
    let bare = native::to_bytes(&native::read(&bench.path("good")).unwrap()).unwrap();
    let with = |position: usize, number: f32| {
        let mut bytes = bare.clone();
        let at = bytes.len() - 4 * position;
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        bytes
    };
    let changed = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = good.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        let mut bytes = good.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    put("empty", b"");
    put("seven", b"1234567");
    put("text", b"these are not weights");
    put("cut", &good[..good.len() - 9]);
    put("long", &[&good[..], b"behind"].concat());
    put("lying", &[&[0xff; 8][..], b"{}"].concat());
    put("huge", &[&(1u64 << 40).to_le_bytes()[..], b"{}"].concat());
    put("broken", &headed("{\"__metadata__\":{\"mda.format\":"));
    put("foreign", &headed("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"));
    put(
        "halves",
        &headed(
            "{\"w\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]},\"__metadata__\":{\"mda.format\":\"1\"}}",
        ),
    );
    put(
        "gap",
        &headed(
            "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},\"__metadata__\":{\"mda.format\":\"1\"}}",
        ),
    );
    put("future", &changed("\"mda.format\":\"1\"", "\"mda.format\":\"9\""));
    put("undescribed", &changed("\\\"categories\\\"", "\\\"catagories\\\""));
    put("renamed", &changed("\"conv.weight\":{", "\"cone.weight\":{"));
    put("flipped", &[&good[..good.len() - 1], &[good[good.len() - 1] ^ 1]].concat());
    put("nan", &with(1, f32::NAN));
    put("infinite", &with(5, f32::NEG_INFINITY));
    fs::create_dir(bench.path("folder")).unwrap();
    let cases = [
        ("nowhere.safetensors", FAILED, &["nowhere.safetensors", "No such file"][..]),
        ("folder", FAILED, &["folder"]),
        ("empty", FAILED, &["empty"]),
        ("seven", FAILED, &["7 bytes", "takes 8"]),
        ("text", FAILED, &["not a model file of MDA", "hint: `mda import`"]),
        ("cut", FAILED, &["cut off or damaged"]),
        ("long", FAILED, &["cut off or damaged"]),
        ("lying", FAILED, &["announce a header of 18446744073709551615 bytes"]),
        ("huge", FAILED, &["announce a header of 1099511627776 bytes"]),
        ("broken", FAILED, &["header, from byte 8 on"]),
        ("foreign", FAILED, &["without `mda.format`", "hint: `mda import` reads it"]),
        ("halves", FAILED, &["halves"]),
        ("gap", FAILED, &["gap"]),
        ("future", FAILED, &["format version `9`", "only `1` is known"]),
        ("undescribed", FAILED, &["not the description of a model", "categories"]),
        ("renamed", FAILED, &["cone.weight", "conv.weight"]),
        ("flipped", FAILED, &["the file is damaged", "hint:"]),
        ("nan", FAILED, &["conv.weight", "NaN", "position"]),
        ("infinite", FAILED, &["conv.weight", "inf", "position"]),
    ];
    refused(&bench, "inspect", &cases);
    let elsewhere = [
        ("evaluate nan --data=.", FAILED, &["NaN"][..]),
        ("export cut --onnx=out.onnx", FAILED, &["cut off or damaged"]),
        ("disassemble text --data=. --task=0 -o=out", FAILED, &["not a model file of MDA"]),
        ("assemble good text -o=out", FAILED, &["text", "not a model file of MDA"]),
    ];
    refused(&bench, "", &elsewhere);
}

#[cfg(unix)]
#[test]
fn devices_are_no_models() {
    let bench = Bench::new();
    let cases = [
        ("inspect /dev/null", FAILED, &["/dev/null", "not a file"][..]),
        ("import /dev/null -o=out", FAILED, &["/dev/null"]),
        ("evaluate /dev/zero --data=.", FAILED, &["/dev/zero"]),
    ];
    refused(&bench, "", &cases);
}
