package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// language is one column of the table: a folder with a program, and build.sh, which builds it.
type language struct {
	name    string
	folder  string            // below interop/; empty: the name
	page    string            // the heading in README.md whose commands build it; empty: build.sh alone does
	program string            // the executable; empty: client
	needs   string            // commands, and patterns of files
	debian  string            // the packages that bring them
	sample  bool              // it makes one conversion with a given token, and exits: no model client
	night   bool              // it runs only if named: it takes long, to come or to start
	unrun   bool              // it is generated alone
	differs map[string]string // cases that it cannot pass, with the name that README.md gives the reason
}

const (
	generator       = "java python3 pip3 "
	generatorDebian = "default-jre-headless python3 python3-pip "
	jvm             = "javac mvn "
	jvmDebian       = "default-jdk-headless maven "
	venv            = "/usr/lib/python3*/ensurepip/__init__.py "
)

// languages are the columns, in the table's order.
var languages = []language{
	{name: "go"},
	{name: "python", page: "Python", needs: generator + venv, debian: generatorDebian + "python3-venv"},
	{name: "typescript", page: "Node.js and TypeScript", needs: "npm", debian: "nodejs npm"},
	{name: "java", page: "Java", needs: generator + jvm, debian: generatorDebian + jvmDebian},
	{name: "php", page: "PHP", needs: generator + "php composer /usr/share/php/GuzzleHttp/autoload.php",
		debian: generatorDebian + "php-cli php-curl php-mbstring php-guzzlehttp-guzzle composer"},
	{name: "csharp", page: "C#", needs: "npm mono mcs", debian: "nodejs npm mono-complete"},
	{name: "cpp", page: "C++", needs: generator + "g++ cmake make /usr/include/cpprest/http_client.h", debian: generatorDebian + "g++ cmake make libcpprest-dev libssl-dev",
		differs: map[string]string{"slash": "raw-slash"}},
	{name: "c", page: "C", needs: generator + "gcc cmake make /usr/include/*/curl/curl.h", debian: generatorDebian + "gcc cmake make libc6-dev libcurl4-openssl-dev"},

	{name: "official-go", folder: "official/go", sample: true, differs: map[string]string{"slash": "raw-path", "percent": "raw-path"}},
	{name: "official-python", night: true, folder: "official/python", sample: true, needs: "python3 pip3", debian: "python3 python3-pip", differs: map[string]string{"slash": "raw-slash"}},
	{name: "official-python-async", night: true, folder: "official/python", program: "client-async", sample: true, needs: "python3 pip3", debian: "python3 python3-pip",
		differs: map[string]string{"slash": "raw-slash", "percent": "decoded"}},
	{name: "official-node", night: true, folder: "official/node", sample: true, needs: "npm", debian: "nodejs npm",
		differs: map[string]string{"slash": "raw-path", "percent": "raw-path", "non-ascii": "raw-path"}},
	{name: "official-java", night: true, folder: "official/java", sample: true, needs: jvm, debian: jvmDebian, differs: map[string]string{"slash": "raw-path", "percent": "raw-path"}},

	{name: "hey-api", folder: "more/hey-api", page: "hey-api", sample: true, night: true, needs: "npm", debian: "nodejs npm"},
	{name: "typescript-fetch", folder: "more/typescript-fetch", page: "openapi-generator, typescript-fetch", sample: true, night: true, needs: generator + "npm", debian: generatorDebian + "nodejs npm"},
	{name: "openapi-python-client", folder: "more/openapi-python-client", page: "openapi-python-client", sample: true, night: true, needs: "python3 " + venv, debian: "python3 python3-venv"},
	{name: "ruby", folder: "more/ruby", page: "Ruby", sample: true, night: true, needs: generator + "ruby /usr/lib/ruby/vendor_ruby/typhoeus.rb", debian: generatorDebian + "ruby ruby-typhoeus ruby-marcel",
		differs: map[string]string{"space": "plus-for-space"}},
	{name: "orval", folder: "more/orval", page: "orval", sample: true, night: true, needs: "npm", debian: "nodejs npm", differs: map[string]string{"slash": "raw-path", "percent": "raw-path"}},
	{name: "dart", folder: "more/dart", page: "Dart", sample: true, night: true, unrun: true, needs: generator, debian: generatorDebian},
	{name: "kotlin", folder: "more/kotlin", page: "Kotlin", sample: true, night: true, needs: generator + jvm, debian: generatorDebian + jvmDebian},
	// Debian 12 keeps a newer Rust for its browsers.
	{name: "rust", folder: "more/rust", page: "Rust", sample: true, night: true, needs: generator + "cargo gcc pkg-config /usr/include/openssl/ssl.h", debian: generatorDebian + "cargo-web gcc libc6-dev pkg-config libssl-dev",
		differs: map[string]string{"space": "plus-for-space"}},
	// build.sh brings Swift in a folder where it is missing.
	{name: "swift", folder: "more/swift", page: "Swift", sample: true, night: true, needs: generator + "debootstrap", debian: generatorDebian + "debootstrap",
		differs: map[string]string{"slash": "raw-slash"}},
}

// choose returns the languages of a list of names, in the table's order: of languages, of the folders more and official, or all.
// An empty list means those that are not for the night.
func choose(list string) (chosen []language, err error) {
	wanted := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	found := map[string]bool{}
	for _, l := range languages {
		group, _, _ := strings.Cut(l.folder, "/")
		named := slices.ContainsFunc(wanted, func(w string) bool {
			is := w == l.name || w == group || w == "all"
			found[w] = found[w] || is
			return is
		})
		if l.folder = cmp.Or(l.folder, l.name); named || len(wanted) == 0 && !l.night {
			chosen = append(chosen, l)
		}
	}
	for _, w := range wanted {
		if !found[w] {
			return nil, fmt.Errorf("there is no language %q", w)
		}
	}
	return chosen, nil
}

// provide installs what a language needs and the machine lacks, as root on Debian. Elsewhere the build reports it.
func (l language) provide(ctx context.Context) error {
	missing := slices.DeleteFunc(strings.Fields(l.needs), func(need string) bool {
		if strings.HasPrefix(need, "/") {
			files, _ := filepath.Glob(need)
			return len(files) > 0
		}
		_, err := exec.LookPath(need)
		return err == nil
	})
	if len(missing) == 0 {
		return nil
	}
	install := "apt-get install -y -q --no-install-recommends " + l.debian
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		fmt.Fprintf(os.Stderr, "%s: missing: %s (as root on Debian: %s)\n", l.name, strings.Join(missing, " "), install)
		return nil
	}
	command := exec.CommandContext(ctx, "sh", "-c", "apt-get update -q && "+install)
	command.Env = environment("DEBIAN_FRONTEND=noninteractive")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", install, err, tail(string(output)))
	}
	return nil
}
