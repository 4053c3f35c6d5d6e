package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	table "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// The page that newcomers see first, and its translation.
const (
	english = "README.md"
	chinese = "README.zh-CN.md"
)

// page holds the checked parts of a Markdown page.
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
	blocks []block
	tables [][][]string // rows of cells, the header first
	links  []string
}

// block is a fenced block: a snippet.
type block struct {
	line     int // of its fence, counted from 1
	language string
	marks    map[string]string // of the comment before it
	body     []string
}

var mark = regexp.MustCompile(`^<!-- snippet: (.*) -->\n?$`)

var markdown = goldmark.New(goldmark.WithExtensions(extension.Table)).Parser()

func readPage(root, file string) (*page, error) {
	content, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		return nil, err
	}
	return parse(file, string(content))
}

// parse reads a page. An error names the line.
func parse(file, content string) (*page, error) {
	source := []byte(content)
	p := &page{file: file, sections: []section{{line: 1}}}
	err := ast.Walk(markdown.Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		s := &p.sections[len(p.sections)-1]
		line := 1 + bytes.Count(source[:n.Pos()], []byte("\n"))
		switch n := n.(type) {
		case *ast.Heading:
			p.sections = append(p.sections, section{line: line, level: n.Level, title: string(n.Lines().Value(source))})
		case *ast.FencedCodeBlock:
			b := block{line: line, language: string(n.Language(source)), marks: map[string]string{}}
			for _, field := range strings.Fields(markOf(n.PreviousSibling(), source)) {
				key, value, _ := strings.Cut(field, "=")
				b.marks[key] = value
			}
			b.body = strings.Split(strings.TrimSuffix(string(n.Lines().Value(source)), "\n"), "\n")
			s.blocks, p.blocks = append(s.blocks, b), append(p.blocks, b)
		case *ast.CodeBlock:
			return ast.WalkStop, fmt.Errorf("%s:%d: a block that is indented has no language, and would not be checked", file, line)
		case *ast.HTMLBlock:
			if _, fenced := n.NextSibling().(*ast.FencedCodeBlock); markOf(n, source) != "" && !fenced {
				return ast.WalkStop, fmt.Errorf("%s:%d: no block follows the mark of a snippet", file, line)
			}
		case *table.Table:
			s.tables = append(s.tables, nil)
		case *table.TableHeader, *table.TableRow:
			last := &s.tables[len(s.tables)-1]
			*last = append(*last, nil)
		case *table.TableCell:
			rows := s.tables[len(s.tables)-1]
			rows[len(rows)-1] = append(rows[len(rows)-1], string(n.Lines().Value(source)))
		case *ast.Link:
			s.links = append(s.links, string(n.Destination))
		case *ast.Image:
			s.links = append(s.links, string(n.Destination))
		}
		return ast.WalkContinue, nil
	})
	return p, err
}

// markOf returns the text of a snippet's mark, if the node is one.
func markOf(n ast.Node, source []byte) string {
	if html, ok := n.(*ast.HTMLBlock); ok {
		if m := mark.FindSubmatch(html.Lines().Value(source)); m != nil {
			return string(m[1])
		}
	}
	return ""
}
