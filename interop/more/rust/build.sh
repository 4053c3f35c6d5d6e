# shellcheck shell=bash disable=SC2154
page
(cd "$BUILD" && cargo test --quiet) # what the page says of the variants
launcher "exec '$BUILD/target/debug/client' \"\$@\""
