//! Lets the plugin find LibTorch where it was built with; elsewhere `LD_LIBRARY_PATH` says where it is.

fn main() {
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    if let (Ok(libtorch), "linux") = (std::env::var("LIBTORCH"), std::env::consts::OS) {
        println!("cargo::rustc-link-arg-cdylib=-Wl,-rpath,{libtorch}/lib");
    }
}
