package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// printTable prints cases × languages. Languages are columns: there are fewer of them.
func printTable(w io.Writer, columns []column, cases []testCase, group string) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	heading := map[string]string{"more": "case (more generators)", "official": "case (official SDKs)"}[group]
	heading = cmp.Or(heading, "case")
	fmt.Fprintf(table, "\n%s", heading)
	for _, c := range columns {
		fmt.Fprintf(table, "\t%s", strings.TrimPrefix(c.language.name, "official-"))
	}
	fmt.Fprintln(table)
	for _, test := range cases {
		if group != "generated" && !test.Official {
			continue
		}
		fmt.Fprint(table, test.Name)
		for _, c := range columns {
			text := c.cells[test.Name].text
			if c.problem != "" {
				text = c.short
			}
			fmt.Fprintf(table, "\t%s", text)
		}
		fmt.Fprintln(table)
	}
	_ = table.Flush() // Nothing can be done about a terminal that does not take it.
}

// printNotes says what every cell means that is not ok. Cases with the same defect are told together.
func printNotes(w io.Writer, columns []column, cases []testCase) {
	for _, c := range columns {
		if c.problem != "" {
			fmt.Fprintf(w, "\n%s: %s\n    %s\n", c.language.name, c.short, c.problem)
		}
		told := map[string]bool{}
		for _, test := range cases {
			cell, ran := c.cells[test.Name]
			if !ran || cell.text == "ok" {
				continue
			}
			about := []string{test.Name}
			if key := cell.text + cell.notes[0]; !cell.failed {
				if told[key] {
					continue
				}
				told[key] = true
				about = sharing(c, cases, cell)
			}
			fmt.Fprintf(w, "\n%s: %s (%s)\n    %s\n", c.language.name, cell.text, strings.Join(about, ", "), strings.Join(cell.notes, "\n    "))
		}
	}
}

// sharing are the cases whose cells say the same.
func sharing(c column, cases []testCase, like cell) []string {
	var names []string
	for _, test := range cases {
		if other := c.cells[test.Name]; other.text == like.text && other.notes[0] == like.notes[0] {
			names = append(names, test.Name)
		}
	}
	return names
}

func printTimes(w io.Writer, columns []column) {
	fmt.Fprint(w, "\nseconds to build and to run:")
	for _, c := range columns {
		fmt.Fprintf(w, " %s %.1f+%.1f", c.language.name, seconds(c.building), seconds(c.running))
	}
	fmt.Fprintln(w)
}

func seconds(d time.Duration) float64 { return d.Seconds() }
