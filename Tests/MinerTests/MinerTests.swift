import ProofOfWork
import Testing
