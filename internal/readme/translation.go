package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// differences lists where a page and its translation differ, as far as a program can see.
func differences(original, translation *page) []string {
	var found []string
	if a, b := len(original.sections), len(translation.sections); a != b {
		return []string{fmt.Sprintf("%s has %d headings, %s has %d", original.file, a-1, translation.file, b-1)}
	}
	for i, en := range original.sections {
		zh := translation.sections[i]
		differs := func(what string) {
			found = append(found, fmt.Sprintf("%s:%d %q and %s:%d %q: %s", original.file, en.line, en.title, translation.file, zh.line, zh.title, what))
		}
		if en.level != zh.level {
			differs("headings of different levels")
		}
		if !slices.Equal(en.rows(), zh.rows()) {
			differs(fmt.Sprintf("tables of %v and %v rows", en.rows(), zh.rows()))
		}
		if a, b := targets(en.links), targets(zh.links); !slices.Equal(a, b) {
			differs(fmt.Sprintf("links to %v and %v", a, b))
		}
		if !slices.EqualFunc(en.blocks, zh.blocks, sameSnippet) {
			differs("snippets that differ in more than their comments")
		}
	}
	return found
}

// rows is how many each table has.
func (s *section) rows() (n []int) {
	for _, t := range s.tables {
		n = append(n, len(t))
	}
	return n
}

// targets are where links lead, whatever the headings there are called. The pages link to each other.
func targets(links []string) []string {
	var out []string
	for _, l := range links {
		file, _, _ := strings.Cut(l, "#")
		file = strings.Replace(file, ".zh-CN.md", ".md", 1) // a page that has a translation
		out = append(out, file)
	}
	slices.Sort(out)
	return out
}

var (
	goComment    = regexp.MustCompile(`\s*//.*$`)
	shellComment = regexp.MustCompile(`\s+# .*$`)
	label        = regexp.MustCompile(`"[^"]*"`)
)

// sameSnippet is whether two blocks differ in comments, the texts of a picture, or what commands print, at most.
func sameSnippet(a, b block) bool {
	return a.language == b.language && slices.Equal(untranslated(a), untranslated(b))
}

func untranslated(b block) []string {
	var out []string
	for _, line := range b.body {
		switch b.language {
		case "go":
			line = goComment.ReplaceAllString(line, "")
		case "console":
			if !strings.HasPrefix(line, prompt) {
				continue
			}
			line = shellComment.ReplaceAllString(line, "")
		case "sh":
			line = shellComment.ReplaceAllString(line, "")
		case "mermaid":
			line = label.ReplaceAllString(line, `""`)
		}
		out = append(out, line)
	}
	return out
}

// prompt begins a command of a console block. Other lines are the output of the command before them.
const prompt = "$ "
