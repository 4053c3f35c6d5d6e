#!/usr/bin/env bash
# Runs the Windows build of the command, and the tests of what it is made of, under Wine. Wine is not Windows: what
# passes here was seen on Wine. Where Wine or the compiler for Windows is missing, it says so and succeeds.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

for tool in wine x86_64-w64-mingw32-gcc; do
  command -v "$tool" >/dev/null || {
    echo "wine-test: skipped: $tool is missing (Debian: apt-get install --no-install-recommends wine wine64 gcc-mingw-w64-x86-64)"
    exit 0
  }
done

export WINEPREFIX="$PWD/.tools/wine" WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='
system="$WINEPREFIX/drive_c/windows/system32"
mkdir -p .tools
[ -d "$system" ] || wine wineboot --init >/dev/null 2>&1

# Go asks bcryptprimitives.dll for random bytes, which Wine 8 lacks. advapi32 has the same function by another name.
if [ ! -e "$system/bcryptprimitives.dll" ]; then
  printf '%s\n' '#include <windows.h>' \
    'BOOLEAN WINAPI SystemFunction036(PVOID, ULONG);' \
    '__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE to, SIZE_T n) { return SystemFunction036(to, (ULONG)n); }' |
    x86_64-w64-mingw32-gcc -shared -O2 -x c - -o "$system/bcryptprimitives.dll" -ladvapi32
fi

export GOOS=windows GOARCH=amd64 CGO_ENABLED=0
# The command's tests cannot build it there: there is no Go within Wine.
go build -o .tools/wine-bin/openconversation.exe ./cmd/openconversation
OPENCONVERSATION_BINARY="$(winepath -w "$PWD/.tools/wine-bin/openconversation.exe")"
export OPENCONVERSATION_BINARY
trap 'wineserver -k 2>/dev/null || true' EXIT
printf 'wine-test: %s, a prefix at .tools/wine\n' "$(wine --version)"

# What Wine 8 cannot do is no fault of ours: it does not remove what a test has left ("Invalid function"), and follows no
# symbolic links.
left='TempDir RemoveAll cleanup: unlinkat .*Invalid function'
failed=0
run() {
  local out code=0
  out="$(go test -exec wine "$@" 2>&1)" || code=$?
  grep -E '^(ok|FAIL|---)' <<<"$out" || true
  [ "$code" -eq 0 ] && return
  if grep -vE "$left" <<<"$out" | grep -E '^ +[A-Za-z_0-9]+\.go:[0-9]+: |^panic|build failed|no test files matched'; then
    printf '%s\n' "$out" >&2
    failed=1
  else
    echo 'wine-test: nothing but folders that could not be removed'
  fi
}

run -skip '^TestResolve$' ./cmd/openconversation/internal/... ./wrapper/dingtalkcache
# Those that take what Wine lacks, or too long, are left to Windows itself.
run -run '^(TestProcess|TestFileFormats|TestAgain.*|TestEdited.*|TestQuotaAndResume|TestExistingOutputIsRefused|TestOutputFormats|TestFilesOfSpreadsheetPrograms|TestTwoProcessesOnOneOutput|TestNothingOfTheUsersIsTouched|TestLanguageOfTheProcess|TestOutputsInBothLanguages|TestMachinesGetEnglish|TestHelpInChinese|TestDoctorWithEmulator)$' ./cmd/openconversation
exit "$failed"
