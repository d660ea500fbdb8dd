// LinuxHAL
