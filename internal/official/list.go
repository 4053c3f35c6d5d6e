package official

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

// Select reads the packages of a list of names, each with the operations of another; none are all. A name is spelt as the SDK
// spells it, in any case, or is a pattern such as *group*. Each must be found.
func (s *SDK) Select(packages, operations string) ([]*Package, error) {
	all, err := s.names()
	if err != nil {
		return nil, err
	}
	chosen, err := choose(all, packages, "package")
	if err != nil {
		return nil, err
	}
	found, ids := make([]*Package, len(chosen)), []string{}
	if err := Together(len(chosen), func(i int) (err error) {
		found[i], err = s.Package(chosen[i])
		return err
	}); err != nil {
		return nil, err
	}
	for _, p := range found {
		for _, o := range p.Operations {
			ids = append(ids, o.ID())
		}
	}
	if ids, err = choose(ids, operations, "operation"); err != nil {
		return nil, err
	}
	for _, p := range found {
		p.Operations = slices.DeleteFunc(p.Operations, func(o *Operation) bool { return !slices.Contains(ids, o.ID()) })
	}
	return slices.DeleteFunc(found, func(p *Package) bool { return len(p.Operations) == 0 }), nil
}

// Together calls do for each of n numbers, two at a time.
func Together(n int, do func(i int) error) error {
	var group sync.WaitGroup
	errs, slots := make([]error, n), make(chan struct{}, 2)
	for i := range n {
		slots <- struct{}{}
		group.Go(func() {
			errs[i] = do(i)
			<-slots
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// choose returns the names that the patterns of a list match.
func choose(names []string, patterns, kind string) (chosen []string, err error) {
	if patterns == "" {
		return names, nil
	}
	is := map[string]bool{}
	for pattern := range strings.SplitSeq(patterns, ",") {
		found, near := false, []string{}
		for _, name := range names {
			matched, err := path.Match(strings.ToLower(strings.TrimSpace(pattern)), strings.ToLower(name))
			if err != nil {
				return nil, fmt.Errorf("%s is no pattern: * stands for any letters", escape(pattern))
			}
			found, is[name] = found || matched, is[name] || matched
			if strings.Contains(strings.ToLower(name), strings.Trim(strings.ToLower(pattern), " *_0123456789.")) {
				near = append(near, name)
			}
		}
		if !found {
			hint := "; openconversation-gen official --list WORD finds them by their names, paths and texts"
			if len(near) > 0 && len(near) < 20 {
				hint = ", but " + strings.Join(near, ", ")
			}
			return nil, fmt.Errorf("no %s is called %s%s", kind, escape(pattern), hint)
		}
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !is[name] }), nil
}

// List are the lines of all operations that have a word in their names, path or summary.
func (s *SDK) List(word string) (lines []string, err error) {
	all, err := s.Select("", "")
	for _, p := range all {
		for _, o := range p.Operations {
			line := fmt.Sprintf("%s\t%s\t%s %s\t%s", p.Name, o.ID(), o.Method, escape(o.Path), escape(o.Summary))
			if strings.Contains(strings.ToLower(line), strings.ToLower(word)) {
				lines = append(lines, line)
			}
		}
	}
	return lines, err
}
