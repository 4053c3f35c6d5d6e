package dingtalktest

import "time"

// Now is the emulator's time.
func (e *Emulator) Now() time.Time { return e.now(e.settings.Load()) }

func (e *Emulator) now(s *settings) time.Time { return s.clock().Add(time.Duration(e.offset.Load())) }

// AdvanceClock moves the emulator's time: tokens grow older, months end, limits per second begin again. A negative d moves it
// back.
func (e *Emulator) AdvanceClock(d time.Duration) { e.offset.Add(int64(d)) }
