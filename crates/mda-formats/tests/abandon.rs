//! What a handler of signals calls; alone in its process, which can write nothing afterwards.

use mda_formats::atomic;
use mda_formats::target::Folder;
use std::fs;
use std::sync::mpsc::channel;

#[test]
fn what_is_unfinished_is_gone_and_never_finished() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    fs::write(&path, "old").unwrap();
    let whole = Folder::new(&folder.path().join("whole"), &[], false).unwrap();
    atomic::write(&whole.path().join("part"), |out| out.write_all(b"part")).unwrap();
    let (half_way, reached) = channel();
    let file = path.clone();
    std::thread::spawn(move || {
        let written = atomic::write(&file, |out| {
            out.write_all(b"new")?;
            half_way.send(()).unwrap();
            // Long enough for `abandon`, after which finishing waits for ever.
            std::thread::sleep(std::time::Duration::from_millis(300));
            Ok(())
        });
        panic!("finished all the same: {written:?}");
    });
    reached.recv().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    atomic::abandon();
    std::thread::sleep(std::time::Duration::from_millis(600));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["model"]);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    // Dropping it would wait for ever as well.
    std::mem::forget(whole);
}
