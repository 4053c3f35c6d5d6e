package main

import (
	"cmp"
	"fmt"
	"strings"
)

// language is one column of the table: a folder with a program, which the commands of its README.md build, or build.sh does.
type language struct {
	name    string
	folder  string            // below interop/; empty: the name
	run     string            // how to start what README.md builds in $BUILD; empty: build.sh leaves an executable there
	program string            // the executable; empty: client
	built   string            // the path of one that is built already
	sample  bool              // it makes one conversion with a given token, and exits: no model client. All but Go's run only if named
	differs map[string]string // cases that it cannot pass, with the name that its page, or its group's, gives the reason
}

// Ids that a client sends changed, and the reasons.
var (
	rawPath      = map[string]string{"slash": "raw-path", "percent": "raw-path"}
	plusForSpace = map[string]string{"space": "plus-for-space"}
)

// languages are the columns, in the table's order.
var languages = []language{
	{name: "go"},
	{name: "python", run: "'$BUILD/venv/bin/python' '$BUILD/client.py'"},
	{name: "typescript", run: "node '$BUILD/client.mjs'"},
	{name: "java", run: "java -cp '$BUILD/classes:$BUILD/generated/target/classes:$BUILD/generated/target/dependency/*' com.example.app.Program"},
	{name: "php", run: "php '$BUILD/client.php'", differs: map[string]string{"token-call-hangs": "one-at-a-time"}},
	{name: "csharp", run: "mono '$BUILD/client.exe'"},
	{name: "cpp", run: "'$BUILD/build/client'", differs: map[string]string{"slash": "raw-slash"}},
	{name: "c", run: "'$BUILD/build/client'"},

	{name: "official-go", folder: "official/go", sample: true, differs: rawPath},
	{name: "official-python", folder: "official/python", sample: true, differs: map[string]string{"slash": "raw-slash"}},
	{name: "official-python-async", folder: "official/python", program: "client-async", sample: true, differs: map[string]string{"slash": "raw-slash", "percent": "decoded"}},
	{name: "official-node", folder: "official/node", sample: true, differs: map[string]string{"slash": "raw-path", "percent": "raw-path", "non-ascii": "raw-path"}},
	{name: "official-java", folder: "official/java", sample: true, differs: rawPath},

	{name: "ruby", folder: "more/ruby", run: "ruby -I '$BUILD/generated/lib' '$BUILD/client.rb'", sample: true, differs: plusForSpace},
	{name: "kotlin", folder: "more/kotlin", run: "java -cp '$BUILD/target/classes:$BUILD/target/dependency/*' ClientKt", sample: true},
	{name: "rust", folder: "more/rust", sample: true, differs: plusForSpace},
}

// choose returns the languages of a list of names, in the table's order: of languages, of the folders more and official, or all.
// An empty list means those that are not for the night.
func choose(list string) (chosen []language, err error) {
	wanted := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	found := map[string]bool{}
	for _, l := range languages {
		group, _, _ := strings.Cut(l.folder, "/")
		named := false
		for _, w := range wanted {
			if w == l.name || w == group || w == "all" {
				named, found[w] = true, true
			}
		}
		if l.folder = cmp.Or(l.folder, l.name); named || len(wanted) == 0 && (!l.sample || l.name == "official-go") {
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
