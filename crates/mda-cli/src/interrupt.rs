//! What happens when the program is told to stop: nothing half-written stays.

/// From now on signals that end the program remove its temporary files first.
#[cfg(unix)]
pub(crate) fn clean_up() -> anyhow::Result<()> {
    use anyhow::Context as _;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    let ending = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|&signal| !is_ignored(signal));
    let mut signals = Signals::new(ending).context("listening to signals")?;
    let listen = move || {
        if let Some(signal) = signals.forever().next() {
            mda_formats::atomic::abandon();
            // Ends the program as if it had no handler: a shell sees 128 + the signal, and stops its loops.
            let _ = emulate_default_handler(signal);
            std::process::exit(128 + signal);
        }
    };
    let thread = std::thread::Builder::new().name("mda-signals".into());
    thread.spawn(listen).context("starting the thread that listens to signals")?;
    Ok(())
}

/// Whether the program was started with this signal ignored, as `nohup` does, where the system tells (Linux). It stays so.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal - 1)) != 0
}

/// Other systems end a program without asking it.
#[cfg(not(unix))]
pub(crate) fn clean_up() -> anyhow::Result<()> {
    Ok(())
}
