package main

import (
	"cmp"
	"slices"
	"strings"
)

// language is one column of the table: a folder with a program and the script that builds it.
type language struct {
	name     string
	folder   string // below interop/
	official bool   // DingTalk's own SDK instead of a generated client
	more     bool   // another generator of a language, without a model client
	needs    []need
	fresh    bool   // built every time: the Go tool has a cache of its own
	slow     bool   // run where it is named, alone or as one of its group: its tools take more than a minute to come
	unrun    string // why it is generated alone
	page     string // the heading of its page in README.md, whose commands build it
	program  string // the executable, if that is not client
	flag     string // that chooses it on the command line, if that is not -lang
}

func (l language) id() string { return l.name }

func (l language) group() string {
	switch {
	case l.official:
		return "official"
	case l.more:
		return "more"
	}
	return "generated"
}

// sample says whether the program makes one conversion with a token that it is given, and exits.
func (l language) sample() bool { return l.official || l.more }

// defects is the name of the file of its defects, in its folder.
func (l language) defects() string {
	return strings.Replace(cmp.Or(l.program, "client"), "client", "defects", 1) + ".json"
}

// quick are the languages that run when none is named.
func quick() []language {
	return slices.DeleteFunc(languages(), func(l language) bool { return l.slow })
}

// need is something that must be on the machine.
type need struct {
	what   string
	probe  []string // a command that succeeds if it is there
	debian []string // the packages that bring it
}

var (
	needGo   = need{what: "go", probe: []string{"go", "version"}}
	needJava = need{what: "a JDK, 11 or newer", probe: []string{"javac", "--version"}, debian: []string{"default-jdk-headless"}}
	// The generator is a Java program, and PyPI is where it comes from.
	needRuntime = need{what: "java", probe: []string{"java", "--version"}, debian: []string{"default-jre-headless"}}
	needMaven   = need{what: "mvn", probe: []string{"mvn", "--version"}, debian: []string{"maven"}}
	needPython  = need{
		what:   "Python 3.10 or newer",
		probe:  []string{"python3", "-c", "import sys; sys.exit(sys.version_info < (3, 10))"},
		debian: []string{"python3"},
	}
	needPip  = need{what: "pip", probe: []string{"python3", "-m", "pip", "--version"}, debian: []string{"python3-pip"}}
	needVenv = need{
		what:   "Python's venv",
		probe:  []string{"python3", "-c", "import ensurepip, venv"},
		debian: []string{"python3-venv"},
	}
	needCargo = need{
		what: "Rust 1.85 or newer with cargo, gcc and OpenSSL",
		probe: []string{"sh", "-c", `cargo --version && gcc --version && pkg-config --exists openssl &&
			rustc --version | grep -Eq '^rustc 1\.(8[5-9]|9[0-9]|[1-9][0-9]{2})\.'`},
		// Debian 12 keeps a newer Rust for its browsers.
		debian: []string{"cargo-web", "gcc", "libc6-dev", "pkg-config", "libssl-dev"},
	}
	needSwift = need{
		what:   "Swift 6 (Debian 13: swiftlang), or debootstrap as root, which brings it in a folder",
		probe:  []string{"sh", "-c", `swiftc --version || { [ "$(id -u)" = 0 ] && debootstrap --version; }`},
		debian: []string{"debootstrap"},
	}
	needRuby = need{
		what:   "Ruby with Typhoeus",
		probe:  []string{"ruby", "-e", `require "typhoeus"`},
		debian: []string{"ruby", "ruby-typhoeus", "ruby-marcel"},
	}
	needNode = need{
		what:   "Node.js 20 or newer with npm",
		probe:  []string{"sh", "-c", `npm --version && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'`},
		debian: []string{"nodejs", "npm"},
	}
	needPHP = need{
		what: "PHP 8.1 or newer with curl, mbstring, Guzzle 7 and composer",
		probe: []string{"php", "-r", `(PHP_VERSION_ID >= 80100 && extension_loaded("curl") && extension_loaded("mbstring") &&
			@include "GuzzleHttp/autoload.php") || exit(1); exec("composer --version", $output, $code); exit($code);`},
		debian: []string{"php-cli", "php-curl", "php-mbstring", "php-guzzlehttp-guzzle", "composer"},
	}
	needMono = need{
		what:   "mono with mcs",
		probe:  []string{"sh", "-c", "mono --version && mcs --version"},
		debian: []string{"mono-complete"},
	}
	needCPP = need{
		what:   "g++ and cmake with cpprest and OpenSSL",
		probe:  []string{"sh", "-c", `cmake --version && printf '#include <cpprest/http_client.h>\n#include <openssl/ssl.h>\n' | g++ -E -x c++ - -o /dev/null`},
		debian: []string{"g++", "cmake", "make", "libcpprest-dev", "libssl-dev"},
	}
	needC = need{
		what:   "gcc and cmake with libcurl",
		probe:  []string{"sh", "-c", `cmake --version && printf '#include <curl/curl.h>\n' | gcc -E -x c - -o /dev/null`},
		debian: []string{"gcc", "cmake", "make", "libc6-dev", "libcurl4-openssl-dev"},
	}
)

// languages are the columns, in the table's order.
func languages() []language {
	generator := []need{needRuntime, needPython, needPip}
	with := func(needs ...need) []need { return append(append([]need(nil), generator...), needs...) }
	return []language{
		{name: "go", folder: "go", needs: []need{needGo}, fresh: true},
		{name: "python", folder: "python", page: "Python", needs: with(needVenv)},
		{name: "typescript", folder: "typescript", page: "Node.js and TypeScript", needs: []need{needNode}},
		{name: "java", folder: "java", page: "Java", needs: with(needJava, needMaven)},
		{name: "php", folder: "php", page: "PHP", needs: with(needPHP)},
		{name: "csharp", folder: "csharp", page: "C#", needs: []need{needNode, needMono}},
		{name: "cpp", folder: "cpp", page: "C++", needs: with(needCPP)},
		{name: "c", folder: "c", page: "C", needs: with(needC)},

		{name: "hey-api", folder: "more/hey-api", page: "hey-api", more: true, needs: []need{needNode}},
		{name: "typescript-fetch", folder: "more/typescript-fetch", page: "openapi-generator, typescript-fetch", more: true, needs: with(needNode)},
		{name: "openapi-python-client", folder: "more/openapi-python-client", page: "openapi-python-client", more: true, needs: []need{needPython, needPip, needVenv}},
		{name: "ruby", folder: "more/ruby", page: "Ruby", more: true, needs: with(needRuby)},
		{name: "orval", folder: "more/orval", page: "orval", more: true, needs: []need{needNode}},
		{name: "dart", folder: "more/dart", page: "Dart", more: true, unrun: "generated, not compiled: no Dart SDK was found in the registries that this uses", needs: generator},
		{name: "kotlin", folder: "more/kotlin", page: "Kotlin", more: true, slow: true, needs: with(needJava, needMaven)},
		{name: "rust", folder: "more/rust", page: "Rust", more: true, slow: true, needs: with(needCargo)},
		{name: "swift", folder: "more/swift", page: "Swift", more: true, slow: true, needs: with(needSwift)},

		{name: "official-go", folder: "official/go", official: true, needs: []need{needGo}, fresh: true},
		{name: "official-python", folder: "official/python", official: true, needs: []need{needPython, needPip}},
		{name: "official-python-async", folder: "official/python", program: "client-async", official: true, needs: []need{needPython, needPip}},
		{name: "official-node", folder: "official/node", official: true, needs: []need{needNode}},
		{name: "official-java", folder: "official/java", official: true, needs: []need{needJava, needMaven}},
		// The page shows PHP, C# and C++ too, but their SDKs are not to be had from the registries that everything else here
		// comes from.
	}
}
