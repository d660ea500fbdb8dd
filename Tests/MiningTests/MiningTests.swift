import Mining
import Testing
