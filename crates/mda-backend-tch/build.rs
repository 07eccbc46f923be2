//! Lets this crate's own tests find LibTorch where it was linked from. A library's rpath reaches no other crate: a program
//! or plugin sets its own.

fn main() {
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    if let (Ok(libtorch), "linux") = (std::env::var("LIBTORCH"), std::env::consts::OS) {
        println!("cargo::rustc-link-arg-tests=-Wl,-rpath,{libtorch}/lib");
    }
}
