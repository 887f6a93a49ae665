import sys, time, traceback
from sim.world import Plan, World, Violation
a,b=int(sys.argv[1]),int(sys.argv[2])
for seed in range(a,b):
    w=World(Plan(seed)); t=time.process_time()
    try:
        w.run(); print(seed,'ok',w.agenda.steps,round(time.process_time()-t,2),w.processes, w.process.state.seq)
    except BaseException as e:
        print(seed,'FAIL',type(e).__name__,str(e)[:1500],w.story.kinds)
        if len(sys.argv)>3:
            for x in w.log: print('  %.2f %s'%x)
            if not isinstance(e,Violation): traceback.print_exc()
        if isinstance(e,KeyboardInterrupt): break
