//! Plugins and hosts of different versions work together: older and newer plugins with this host, older and newer hosts with
//! a plugin of today.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "fixtures/version_1_0/abi.rs"]
#[allow(dead_code, unreachable_pub, reason = "the copy is whole")]
mod v1_0;

use mda_core::run::backend::{Backend, BackendError};
use mda_core::run::reference::Reference;
use mda_formats::native;
use mda_plugin::host::load;
use mda_testkit::cdylib;
use mda_testkit::generate::{model_from_seed, random_images};
use std::ffi::c_void;
use std::ptr::null_mut;
use v1_0::{Bytes, Compile, Entry, Failure, Host, Output, Plugin, Run, Sink};

#[test]
fn a_plugin_of_version_1_0_runs_in_this_host() {
    let backend = load(&cdylib::example("version_1_0"), None).unwrap();
    assert_eq!((backend.id(), backend.version()), ("version_1_0", "1.2.3"));
    assert_eq!((backend.devices()[0].id.as_str(), backend.unavailable()), ("only", None));
    let model = model_from_seed(7);
    assert!(backend.unsupported(&model).is_empty());
    let refused = backend.compile(&model, Some("other"), &[]);
    let Err(BackendError::NoDevice { available, .. }) = refused else { panic!("there is only `only`") };
    assert_eq!(available, ["only"]);
    let mut session = backend.compile(&model, None, &[]).unwrap().session().unwrap();
    let answer = session.run(&random_images(&model, 2, 7)).unwrap();
    let positions: Vec<f32> = (0..answer.logits.len()).map(|position| position as f32).collect();
    assert_eq!(answer.logits.data(), positions);
}

#[test]
fn a_plugin_with_a_longer_table_runs_in_this_host() {
    let backend = load(&cdylib::example("version_1_9"), None).unwrap();
    assert_eq!((backend.id(), backend.version()), ("reference", "1.9.0"));
    assert_eq!(backend.unavailable().unwrap(), "the driver is too old");
    let model = model_from_seed(8);
    let batch = random_images(&model, 2, 8);
    let inside = Reference.compile(&model, None, &[]).unwrap().session().unwrap().run(&batch).unwrap();
    assert_eq!(backend.compile(&model, None, &[]).unwrap().session().unwrap().run(&batch).unwrap(), inside);
}

/// A struct of a later version: what this plugin does not know lies behind what it knows.
#[repr(C)]
struct Grown<T> {
    known: T,
    behind: [usize; 3],
}

impl<T> Grown<T> {
    fn of(known: T) -> Self {
        Self { known, behind: [usize::MAX; 3] }
    }
}

/// What a host hands over, `longer` bytes longer than in version 1.0.
struct Caller {
    table: Plugin,
    longer: usize,
}

/// What a plugin says of a failed call.
///
/// # Safety
/// The failure is null or the plugin's own.
unsafe fn said(failure: *mut Failure) -> Result<(), String> {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(&Failure { size, text, free, .. }) = failure.as_ref() else { return Ok(()) };
        assert!(size >= size_of::<Failure>());
        let words = String::from_utf8_lossy(std::slice::from_raw_parts(text.data, text.len)).into_owned();
        free.unwrap()(failure);
        Err(words)
    }
}

unsafe extern "C" fn put(context: *mut c_void, first: Bytes, second: Bytes) {
    // SAFETY: the context is a list of texts, and the plugin passes texts.
    unsafe {
        for text in [first, second] {
            let text = std::slice::from_raw_parts(text.data, text.len);
            (*context.cast::<Vec<String>>()).push(String::from_utf8_lossy(text).into_owned());
        }
    }
}

impl Caller {
    fn of(plugin: &str, longer: usize) -> Self {
        let library = std::mem::ManuallyDrop::new(library(plugin));
        // SAFETY: a plugin's entry point is this function, and its table lives as long as the process.
        let table = unsafe {
            let entry = library.get::<Entry>(b"mda_plugin_entry_v1\0").unwrap();
            let table = entry();
            assert!((*table).size >= size_of::<Plugin>() && (*table).major == v1_0::MAJOR);
            *table
        };
        Self { table, longer }
    }

    fn host(&self, size: usize) -> Grown<Host> {
        Grown::of(Host { size, major: v1_0::MAJOR, minor: v1_0::MINOR, threads: 1 })
    }

    /// The id, what is said of devices, and the logits of the plugin for a model and two images.
    fn logits(&self, seed: u64) -> Result<(Vec<String>, Vec<f32>), String> {
        let model = model_from_seed(seed);
        let batch = random_images(&model, 2, seed);
        let file = native::to_bytes(&model).unwrap();
        let mut texts: Vec<String> = Vec::new();
        let context = (&raw mut texts).cast();
        let sink = Grown::of(Sink { size: size_of::<Sink>() + self.longer, context, put });
        let sink = (&raw const sink).cast();
        let absent = Bytes { data: std::ptr::null(), len: 0 };
        let size = size_of::<Compile>() + self.longer;
        let bytes = Bytes { data: file.as_ptr(), len: file.len() };
        let (probes, probe_count) = (std::ptr::null(), 0);
        let compile = Grown::of(Compile { size, model: bytes, device: absent, probes, probe_count, details: sink });
        let mut logits = vec![f32::NAN; 2 * model.graph().category_count()];
        let mut output = Output { data: logits.as_mut_ptr(), len: logits.len(), written: 0 };
        let (size, shape) = (size_of::<Run>() + self.longer, batch.shape().try_into().unwrap());
        let (images, outputs) = (batch.data().as_ptr(), &raw mut output);
        let run = Grown::of(Run { size, shape, images, outputs, output_count: 1 });
        let host = self.host(size_of::<Host>() + self.longer);
        let (mut backend, mut program, mut session) = (null_mut(), null_mut(), null_mut());
        let table = &self.table;
        // SAFETY: as the interface asks: everything that is passed lives until the call returns, handles are freed once.
        unsafe {
            said(table.create.unwrap()((&raw const host).cast(), &raw mut backend))?;
            said(table.identity.unwrap()(backend, sink))?;
            said(table.devices.unwrap()(backend, sink))?;
            said(table.compile.unwrap()(backend, (&raw const compile).cast(), &raw mut program))?;
            said(table.session.unwrap()(program, &raw mut session))?;
            said(table.run.unwrap()(session, (&raw const run).cast()))?;
            said(table.free_session.unwrap()(session))?;
            said(table.free_program.unwrap()(program))?;
            said(table.free_backend.unwrap()(backend))?;
        }
        assert_eq!(output.written, output.len);
        Ok((texts, logits))
    }
}

fn library(plugin: &str) -> libloading::Library {
    // SAFETY: the fixtures' initialisers do nothing.
    unsafe { libloading::Library::new(cdylib::example(plugin)) }.unwrap()
}

fn reference(seed: u64) -> Vec<f32> {
    let model = model_from_seed(seed);
    let mut session = Reference.compile(&model, None, &[]).unwrap().session().unwrap();
    session.run(&random_images(&model, 2, seed)).unwrap().logits.into_data()
}

#[test]
fn a_host_of_version_1_0_runs_a_plugin_of_today() {
    let (texts, logits) = Caller::of("honest", 0).logits(9).unwrap();
    assert_eq!((texts[0].as_str(), texts.len(), logits), ("reference", 4, reference(9)));
}

#[test]
fn a_host_whose_structs_are_longer_runs_a_plugin_of_today() {
    let (texts, logits) = Caller::of("honest", size_of::<[usize; 3]>()).logits(9).unwrap();
    assert_eq!((texts[0].as_str(), texts.len(), logits), ("reference", 4, reference(9)));
}

#[test]
fn a_host_that_is_older_than_1_0_is_told_both_sizes() {
    let caller = Caller::of("honest", 0);
    let (host, mut backend) = (caller.host(16), null_mut());
    // SAFETY: the host has at least the size that it tells.
    let refused = unsafe { said(caller.table.create.unwrap()((&raw const host).cast(), &raw mut backend)) };
    let reason = refused.unwrap_err();
    let oldest = size_of::<Host>().to_string();
    assert!(reason.contains("`Host`") && reason.contains("16 bytes") && reason.contains(&oldest), "{reason}");
    assert!(backend.is_null());
}
