package main

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
)

// page is what the checks look at in one of the two pages.
type page struct {
	file     string
	sections []section
	blocks   []block
}

// section is a heading and what stands below it, up to the next heading of any level.
type section struct {
	line   int
	level  int
	title  string
	stamp  string   // the digest of the English section that this one translates, where it says so
	text   []string // without the marks of the checks, and without the tables that are made
	blocks []block
	rows   []int // the rows of each table
	links  []string
}

// block is a fenced block: a snippet.
type block struct {
	line     int // of its fence, counted from 1
	language string
	marks    map[string]string // of the comment before it
	body     []string
}

var (
	fence   = regexp.MustCompile("^```(.*)$")
	hidden  = regexp.MustCompile("^(\\s+```|\\s*~~~|    |\t)")
	heading = regexp.MustCompile(`^(#+) (.*)$`)
	mark    = regexp.MustCompile(`^<!-- snippet: (.*) -->$`)
	stamped = regexp.MustCompile(`^<!-- translates: ([0-9a-f]{12}) -->$`)
	comment = regexp.MustCompile(`^<!-- .* -->$`)
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// parse reads a page. An error names the line.
func parse(file, text string) (*page, error) {
	p := &page{file: file, sections: []section{{line: 1}}}
	marks := ""
	table, made := false, false
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		s := &p.sections[len(p.sections)-1]
		line := lines[i]
		if m := fence.FindStringSubmatch(line); m != nil {
			b := block{line: i + 1, language: m[1], marks: map[string]string{}}
			for _, field := range strings.Fields(marks) {
				key, value, _ := strings.Cut(field, "=")
				b.marks[key] = value
			}
			marks = ""
			for i++; ; i++ {
				if i == len(lines) {
					return nil, fmt.Errorf("%s:%d: the block does not end", file, b.line)
				}
				if lines[i] == "```" {
					break
				}
				b.body = append(b.body, lines[i])
			}
			s.blocks = append(s.blocks, b)
			p.blocks = append(p.blocks, b)
			s.text = append(s.text, b.body...)
			continue
		}
		if hidden.MatchString(line) {
			return nil, fmt.Errorf("%s:%d: a block that is indented, or fenced otherwise than by ```, would not be checked", file, i+1)
		}
		if marks != "" {
			return nil, fmt.Errorf("%s:%d: no block follows the mark of a snippet", file, i)
		}
		if m := mark.FindStringSubmatch(line); m != nil {
			marks = m[1]
			continue
		}
		if m := stamped.FindStringSubmatch(line); m != nil {
			s.stamp = m[1]
			continue
		}
		if m := heading.FindStringSubmatch(line); m != nil {
			p.sections = append(p.sections, section{line: i + 1, level: len(m[1]), title: m[2], text: []string{m[2]}})
			continue
		}
		row := strings.HasPrefix(line, "|")
		if row && !table {
			s.rows = append(s.rows, 0)
		}
		if table = row; row {
			s.rows[len(s.rows)-1]++
		}
		for _, m := range link.FindAllStringSubmatch(line, -1) {
			s.links = append(s.links, m[1])
		}
		if comment.MatchString(line) {
			made = strings.HasPrefix(line, "<!-- begin ")
		} else if !made {
			s.text = append(s.text, line)
		}
	}
	return p, nil
}

// digest tells one English text of a section from another.
func (s *section) digest() string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.TrimSpace(strings.Join(s.text, "\n")))))[:12]
}
